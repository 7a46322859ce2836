"""`python -m tests.cache.cluster.measure_reads`: what a read costs of a cluster, and of one server.

Both over TCP on this machine, with the sample and the loop of `make bench-cache`.
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Final

from cache.bench.sample import make_sample
from cache.bench.server_reads import reader_reads
from cache.quantise import Precision
from tests.cache.cluster.nodes import HOST, Server, free_ports, running_cluster

CALLERS: Final = (1, 8)
CALLS: Final = 1500
ROUNDS: Final = 4
TURNS: Final = 3
"""Of one server and cluster, since a machine is not the same from minute to minute."""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, running_cluster(Path(folder)) as cluster:
        one = Server(Path(folder) / "one", free_ports(1)[0])
        urls = {"one server": f"redis://{HOST}:{one.port}", "cluster": cluster.url}
        best = {name: [float("inf")] * 4 for name in urls}
        for _ in range(TURNS):
            for name, url in urls.items():
                best[name] = [*map(min, best[name], _p50s_us(url))]
        one.kill()
    for name, p50s_us in best.items():
        sys.stdout.write(f"| {name} | {' | '.join(f'{p50:.0f} µs' for p50 in p50s_us)} |\n")


def _p50s_us(url: str) -> list[float]:
    """MGET and CacheReader.read, with one caller and then with eight."""
    sample = make_sample(Precision.INT8)
    spreads = [
        asyncio.run(reader_reads(url, sample, callers, calls=CALLS, rounds=ROUNDS))
        for callers in CALLERS
    ]
    return [spread.p50_us for of_callers in spreads for spread in of_callers.values()]


if __name__ == "__main__":
    main()
