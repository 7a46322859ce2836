import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from redis.asyncio import Redis
from typer.testing import CliRunner

from cache.bench.drawn import Shape, drawn_entries, drawn_page
from cache.connection import connect
from cache.embedded import EmbeddedValkey
from cache.quantise import Precision
from cache.sizing.measurement import measured
from cache.sizing.workload import Measured, Traffic, needs
from understudy import build

SHAPE = Shape(entries=300, events=50, sequence=50, dim=32, tasks=1, precision=Precision.INT8)


async def test_user_takes_in_memory_what_is_written_and_a_little_more(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / "data") as server:
        client: Redis = connect(server.url, answer_ms=10_000.0)
        try:
            of_user = await measured(client, SHAPE)
        finally:
            await client.aclose()
    entry_bytes = 8 + 4 + 4 + 4 + 32
    assert of_user.page == pytest.approx(64 + 300 * entry_bytes + 4 * 32 + 50 * 20)
    written = of_user.page + of_user.record
    assert written < of_user.in_memory < 1.35 * written


def test_needs_follow_the_traffic() -> None:
    of_user = Measured(page=10_000.0, record=1000.0, in_memory=12_000.0)
    needed = needs(Traffic(1e6, 1000.0, 200.0, 0.75, 10_000.0), of_user)
    assert needed.memory_bytes == 12e9
    assert needed.read_bytes_per_s == 11e6
    assert needed.demanded_pairs_per_s == 50_000.0
    assert needed.page_write_bytes_per_s == 20e6
    assert needed.teacher_cores == 5.0


def test_what_is_wholly_covered_demands_nothing() -> None:
    needed = needs(Traffic(1e6, 1000.0, 200.0, 1.0, 10_000.0), Measured(1.0, 1.0, 2.0))
    assert (needed.demanded_pairs_per_s, needed.page_write_bytes_per_s) == (0.0, 0.0)


def test_command_prints_for_machines() -> None:
    arguments = ["size", "--users", "2", "--entries", "10", "--json"]
    result = CliRunner().invoke(build(arguments), arguments)
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["needs"]["memory_bytes"] == pytest.approx(2 * said["user"]["in_memory"])


@pytest.mark.parametrize(
    ("precision", "entry"),
    [
        (Precision.INT8, lambda tasks, dim: 16 + 4 * tasks + dim),
        (Precision.FP16, lambda tasks, dim: 12 + 4 * tasks + 2 * dim),
        (Precision.INT4, lambda tasks, dim: 16 + 4 * tasks + -(-dim // 2)),
    ],
)
@pytest.mark.parametrize(("tasks", "dim"), [(1, 32), (2, 33), (4, 7)])
def test_page_takes_what_the_formulas_of_the_guide_say(
    precision: Precision, entry: Callable[[int, int], int], tasks: int, dim: int
) -> None:
    shape, rng = Shape(40, 50, 20, dim, tasks, precision), np.random.default_rng(0)
    keys = rng.integers(1, 1 << 63, shape.entries).astype(np.uint64)
    written = drawn_page(rng, drawn_entries(rng, keys, shape), shape)
    sequence = shape.sequence * (4 + -(-dim // 2))
    assert len(written) == 64 + shape.entries * entry(tasks, dim) + 4 * dim + sequence
