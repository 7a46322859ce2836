"""What a run costs in this process and at a Triton on this machine, by every way to it.

python -m tests.triton.measure_runs BUNDLE
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from export.triton.repository import write_repository
from export.triton.serving import Serving
from models.features.records import Arrays
from models.manifest import GOLDEN
from models.runtime import load
from models.triton.opening import open_model
from server.raw_loop import requests_of
from tests.triton.triton_server import TritonServer

SIZES = (50, 200, 1000)
RUNS = 300
Run = Callable[[Arrays], object]


def main(bundle: Path) -> None:
    with tempfile.TemporaryDirectory() as work:
        repository = Path(work) / "repository"
        write_repository(repository, bundle, Serving("python"))
        server = TritonServer(Path(work), repository)
        server.start()
        try:
            for name, run in _ways(bundle, server):
                print(  # noqa: T201
                    f"| {name} | {' | '.join(_measured(bundle, run))} |", flush=True
                )
        finally:
            server.kill()


def _ways(bundle: Path, server: TritonServer) -> Iterator[tuple[str, Run]]:
    yield "in process", load(bundle).run
    for name, url in (
        ("gRPC", f"triton://localhost:{server.grpc_port}"),
        ("gRPC, shared memory", f"triton://localhost:{server.grpc_port}?shared_memory=1"),
        ("HTTP", f"triton+http://localhost:{server.http_port}"),
        ("HTTP, shared memory", f"triton+http://localhost:{server.http_port}?shared_memory=1"),
    ):
        model = open_model(bundle, url, timeout_s=10.0)
        yield name, model.run
        model.close()


def _measured(bundle: Path, run: Run) -> Iterator[str]:
    golden, manifest = load_file(bundle / GOLDEN), load(bundle).manifest
    for size in SIZES:
        arrays, spent_ms = requests_of(golden, manifest.inputs, size), []
        for _ in range(RUNS):
            began_ns = time.perf_counter_ns()
            run(arrays)
            spent_ms.append((time.perf_counter_ns() - began_ns) / 1e6)
        # The tenth percentile says what it costs where others are busy on the same cores.
        p10, p50 = np.percentile(spent_ms[RUNS // 10 :], [10, 50])
        yield f"{p10:.2f}, {p50:.2f}"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
