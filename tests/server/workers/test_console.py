"""Whichever worker a console is on, it shows what all of them do."""

import json
import time
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server.changes import BEARER, TOKEN
from tests.server.conftest import Served
from tests.server.live import WAIT_S
from tests.server.workers.test_supervisor import Supervised, rank, supervised

pytestmark = pytest.mark.slow

CONSOLES = 4
"""So many that each of two workers has one, as a rule."""
RANKINGS = 12
"""On connections of their own, which either worker may get."""
WITHIN_S = 55.0
"""Of the minute that a console looks back upon: what this test does never leaves it."""
BEGUN_WITHIN_S = 25.0
"""A machine with other things to do opens fewer consoles, and each has time enough."""


def whole(run: Supervised, until_s: float) -> Generator[dict[str, Any], None, None]:
    """What a console shows whenever both workers have told it their figures in time."""
    is_snapshot = False
    with httpx.stream("GET", f"{run.url}/console/live", headers=BEARER, timeout=WAIT_S) as answer:
        for line in answer.iter_lines():
            assert time.monotonic() < until_s, "the console does not show what was counted"
            if line.startswith("event: "):
                is_snapshot = line == "event: snapshot"
            elif line.startswith("data: ") and is_snapshot:
                live = json.loads(line.removeprefix("data: "))["live"]
                if live["seconds"] and (live["workers"], live["silent_workers"]) == (2, 0):
                    yield live


def counted(live: dict[str, Any]) -> float:
    return float(live["requests_per_s"] * live["seconds"])


def test_console_of_any_worker_shows_all(served: Served, tmp_path: Path) -> None:
    with supervised(served, tmp_path, admin_token=TOKEN) as run:
        began_s = time.monotonic()
        for number in range(CONSOLES):
            if number and time.monotonic() - began_s > BEGUN_WITHIN_S:
                break
            with closing(whole(run, began_s + WITHIN_S)) as told:
                before = counted(next(told))
                assert {rank(run.url) for _ in range(RANKINGS)} == {200}
                # Some snapshots were taken before or while they were answered.
                after = next(n for n in map(counted, told) if n > before + RANKINGS - 0.5)
            assert after == pytest.approx(before + RANKINGS)
