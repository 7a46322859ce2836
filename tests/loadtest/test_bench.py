"""The bench on tiny bundles: every joint of it, no figure."""

import json
import os
from pathlib import Path

import pytest
from rich.console import Console

from loadtest import search
from loadtest.bench import sizes
from loadtest.bench.command import measure
from loadtest.bench.cores import Cores, TooFewCores, pin, two_cores
from loadtest.bench.report import as_json, as_markdown
from loadtest.errors import ReplayInvalid
from loadtest.stack import free_port, running_up
from tests.bundles import NOW_MS, rank_body, serving_folder

HOST = "127.0.0.1"


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(search, "TRIALS", 2)
    monkeypatch.setattr(sizes, "TRIAL_S", 0.3)
    monkeypatch.setattr(sizes, "RAW_S", 0.1)
    serving = tmp_path / "serving"
    serving.mkdir()
    serving_folder(serving)
    lines = [
        {"request": rank_body(f"user-{n}", 60, seed=n, timestamp_ms=NOW_MS + n), "shown": []}
        for n in range(4)
    ]
    (serving / "replay.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return tmp_path


@pytest.mark.redis
def test_bench_covers_pages_and_measures_both_sides(demo: Path) -> None:
    core = min(os.sched_getaffinity(0))
    with running_up(demo, demo / "live", HOST, free_port(HOST)) as stack:
        rows = measure(demo / "serving", stack, Cores(core, core), [10, 50], Console(quiet=True))
    assert [row.candidates for row in rows] == [10, 50]
    for row in rows:
        assert row.coverage > 0.9
        assert row.raw.per_second > 0
        assert row.overloaded.achieved_rate > 0
        assert len(row.found.trials) >= 2
    told = json.loads(json.dumps(as_json(rows, {"hardware": "a machine"})))
    assert set(told["sizes"]) == {"10", "50"}
    assert as_markdown(rows, "a machine", "2025-01-31").count("\n| ") == 3


@pytest.mark.redis
def test_too_few_items_for_a_size_is_refused(demo: Path) -> None:
    with (
        running_up(demo, demo / "live", HOST, free_port(HOST)) as stack,
        pytest.raises(ReplayInvalid, match="100000 are needed"),
    ):
        measure(demo / "serving", stack, Cores(0, 0), [100_000], Console(quiet=True))


def test_one_core_is_too_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3})
    with pytest.raises(TooFewCores):
        two_cores()


def test_pinned_process_keeps_to_its_core() -> None:
    before = os.sched_getaffinity(0)
    try:
        pin([os.getpid()], min(before))
        assert os.sched_getaffinity(0) == {min(before)}
    finally:
        os.sched_setaffinity(0, before)
