import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from loadtest import steady
from loadtest.errors import ReplayInvalid
from loadtest.open_loop import Outcome
from loadtest.steady import bodies, broken

GOOD = Outcome(
    intended_rate=50.0, achieved_rate=50.0, p50_ms=2.0, p99_ms=20.0, requests=3000, failed=0
)


@pytest.mark.parametrize(
    ("changed", "line"),
    [({"p99_ms": 101.0}, "p99 101.0 ms is above 100 ms"),
     ({"failed": 30, "achieved_rate": 49.5}, "1.00% failed, more than 0.00%"),
     ({"failed": 3000, "achieved_rate": 0.0}, "100.00% failed, more than 0.00%"),
     ({"achieved_rate": 40.0}, "answers came at 80.0% of the intended rate")],
)  # fmt: skip
def test_what_breaks_is_named(changed: dict[str, Any], line: str) -> None:
    assert broken(GOOD, 100, 0) == []
    assert line in broken(GOOD._replace(**changed), 100, 0)


def test_failures_within_the_budget_are_no_missing_load() -> None:
    told = GOOD._replace(failed=30, achieved_rate=49.5)
    assert broken(told, 100, 0.01) == []


def _replay(folder: Path) -> Path:
    path = folder / "replay.jsonl"
    body = {"user_id": "u", "item_ids": ["a"], "timestamp_ms": 1}
    path.write_text(json.dumps({"request": body, "shown": []}) + "\n")
    return path


def test_requests_are_of_now_and_carry_the_key(tmp_path: Path) -> None:
    [request] = bodies(_replay(tmp_path), "secret")
    assert b"authorization: Bearer secret\r\n" in request
    assert request.endswith(b'{"user_id": "u", "item_ids": ["a"]}')
    [request] = bodies(_replay(tmp_path), None)
    assert b"authorization" not in request


def test_a_replay_without_requests_is_refused(tmp_path: Path) -> None:
    (tmp_path / "replay.jsonl").write_text("")
    with pytest.raises(ReplayInvalid):
        bodies(tmp_path / "replay.jsonl", None)


@pytest.fixture
def command() -> typer.Typer:
    app = typer.Typer()
    app.command()(steady.steady)
    return app


def test_too_few_requests_for_a_p99_are_refused(command: typer.Typer, tmp_path: Path) -> None:
    arguments = ["--url", "http://127.0.0.1:9", "--replay", str(_replay(tmp_path))]
    told = CliRunner().invoke(command, [*arguments, "--seconds", "2"])
    assert told.exit_code == 2
    assert "1000" in told.output


def test_a_gateway_that_is_not_there_breaks_the_budget(
    command: typer.Typer, tmp_path: Path
) -> None:
    arguments = ["--url", "http://127.0.0.1:9", "--replay", str(_replay(tmp_path))]
    told = CliRunner().invoke(command, [*arguments, "--seconds", "1", "--rate-per-s", "1000"])
    assert told.exit_code == 1
    assert "100.00% failed, more than 0.00%" in json.loads(told.output)["broken"]
