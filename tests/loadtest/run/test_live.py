"""Scenarios that act on processes, on a small `understudy up` of their own."""

import json
import shutil
from pathlib import Path
from typing import Any

import psutil
import pytest
from typer.testing import CliRunner

from loadtest.command import app
from tests.bundles import linear_student
from tests.loadtest.run.small_up import PATIENT, replayed

pytestmark = [pytest.mark.redis, pytest.mark.slow]

LOAD = ["--rate", "30", "--json"]


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return replayed(tmp_path_factory.mktemp("serving"))


def _run(scenario: str, serving: Path, *words: str) -> dict[str, Any]:
    typed = ["run", scenario, "--up", str(serving), *LOAD, *words]
    result = CliRunner().invoke(app, typed, env=PATIENT)
    assert result.exit_code in (0, 3), result.output
    assert not [p for p in psutil.Process().children(recursive=True) if "up" in p.cmdline()]
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def test_a_hung_redis_degrades_answers_and_fails_none(serving: Path, tmp_path: Path) -> None:
    told = _run("redis-down", serving, "--seconds", "12", "--out", str(tmp_path))
    assert told["failed"] == 0
    assert any(reason.startswith("cache:") for reason in told["reasons"])
    [mark] = told["marks"]
    assert mark["what"] == "valkey paused"
    assert mark["until_s"] - mark["from_s"] == pytest.approx(2.4, abs=1.0)
    assert "valkey paused" in (tmp_path / "report.html").read_text()


def test_a_rollout_is_marked_where_it_began_and_where_it_answered(
    serving: Path, tmp_path: Path
) -> None:
    successor = tmp_path / "successor"
    shutil.copytree(serving, successor)
    student = linear_student(successor, seed=5)
    index = json.loads((successor / "serving.json").read_text())
    (successor / "serving.json").write_text(json.dumps({**index, "student": student.name}))
    told = _run("rollout", serving, "--seconds", "28", "--to", str(successor))
    assert told["failed"] == 0
    assert told["marks"][0]["what"] == "rollout started"
    version = student.name.removeprefix("student-")
    assert [mark["what"] for mark in told["marks"][1:]] == [f"{version} answers"]
    assert set(told["versions"]) > {version}
