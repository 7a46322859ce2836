"""`python -m cache.bench`: what the cache costs here, in bytes and in time, as tables."""

import asyncio
import tempfile
from pathlib import Path
from typing import Final

from redis.asyncio import Redis

from cache.bench.printed import say, table
from cache.bench.sample import CANDIDATES, DIM, ENTRIES, EVENTS, TASKS, Sample, make_sample
from cache.bench.server_reads import layout_reads, reader_reads
from cache.bench.sizes import sizes
from cache.bench.timings import Spread, best_us, steps
from cache.connection import connect
from cache.embedded import EmbeddedValkey
from cache.quantise import Precision

CALLERS: Final = (1, 8)
CALLS: Final = 1000
ROUNDS: Final = 7


def main() -> None:
    samples = {precision.name.lower(): make_sample(precision) for precision in Precision}
    say(
        f"{ENTRIES} entries, {CANDIDATES} candidates of which half are held, d = {DIM}, "
        f"{TASKS} tasks, {EVENTS} events; best of {ROUNDS} rounds of {CALLS} reads\n"
    )
    _report_steps(samples)
    with tempfile.TemporaryDirectory() as folder, EmbeddedValkey(Path(folder) / "data") as server:
        asyncio.run(_report_server(server.url, samples))


def _report_steps(samples: dict[str, Sample]) -> None:
    timed = {name: steps(sample) for name, sample in samples.items()}
    rows = [
        [step, *(f"{best_us(of_precision[step]):.1f} µs" for of_precision in timed.values())]
        for step in next(iter(timed.values()))
    ]
    lengths = [f"{len(sample.page):,}" for sample in samples.values()]
    table(["", *samples], [["page with a sequence, bytes", *lengths], *rows])


async def _report_server(url: str, samples: dict[str, Sample]) -> None:
    client = connect(url, answer_ms=10_000.0)
    try:
        await _report_sizes(client, samples)
        await _report_layouts(client, samples["int8"])
    finally:
        await client.aclose()
    await _report_reader(url, samples["int8"])


async def _report_sizes(client: Redis, samples: dict[str, Sample]) -> None:
    taken = {name: await sizes(client, sample) for name, sample in samples.items()}
    rows = [
        [
            layout,
            *(f"{of[layout]:,} ({of[layout] / ENTRIES:.0f} an entry)" for of in taken.values()),
        ]
        for layout in next(iter(taken.values()))
    ]
    table(["bytes a user", *taken], rows)


async def _report_layouts(client: Redis, sample: Sample) -> None:
    rows = []
    for callers in CALLERS:
        measured = await layout_reads(client, sample, callers, calls=CALLS, rounds=ROUNDS)
        of_page = measured["page"]
        for name, of_layout in measured.items():
            cells = [_beside(*pair) for pair in zip(of_layout, of_page, strict=True)]
            rows.append([name, str(callers), *cells[0], *cells[1]])
    table(["layout", "callers", "p50", "p99", "p50 with arrays", "p99 with arrays"], rows)


def _beside(spread: Spread, page: Spread) -> list[str]:
    """p50 and p99, each with its multiple of the page's."""
    return [
        f"{taken:.0f} µs, {taken / of_page:.1f}×"
        for taken, of_page in zip(spread[:2], page[:2], strict=True)
    ]


async def _report_reader(url: str, sample: Sample) -> None:
    rows = []
    for callers in CALLERS:
        measured = await reader_reads(url, sample, callers, calls=CALLS, rounds=ROUNDS)
        rows += [
            [name, str(callers), f"{best.p50_us:.0f} µs", f"{best.p99_us:.0f} µs",
             f"{best.per_s:,.0f}"]
            for name, best in measured.items()
        ]  # fmt: skip
    table(["record and int8 page", "callers", "p50", "p99", "reads/s"], rows)


if __name__ == "__main__":
    main()
