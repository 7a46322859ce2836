"""Whichever worker a console is on, it shows what all of them do."""

import json
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


def live(run: Supervised, count: int) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    url, is_snapshot = f"{run.url}/console/live", False
    with httpx.stream("GET", url, headers=BEARER, timeout=WAIT_S) as answer:
        for line in answer.iter_lines():
            if line.startswith("event: "):
                is_snapshot = line == "event: snapshot"
            elif line.startswith("data: ") and is_snapshot:
                told.append(json.loads(line.removeprefix("data: "))["live"])
                # On connections of their own, which either worker may get.
                assert {rank(run.url) for _ in range(6)} == {200}
            if len(told) == count:
                break
    return told


def test_console_of_any_worker_shows_all(served: Served, tmp_path: Path) -> None:
    with supervised(served, tmp_path, admin_token=TOKEN) as run:
        for _ in range(CONSOLES):
            told = live(run, 3)
            assert {(each["workers"], each["silent_workers"]) for each in told} == {(2, 0)}
            first, *_, last = (each["requests_per_s"] * each["seconds"] for each in told)
            assert last - first == pytest.approx(12.0)  # of the two intervals between them
