"""Harm done for real, to a small `understudy up`: the other scenarios are for `make chaos`."""

import json
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from loadtest.chaos import report
from loadtest.chaos.verdict import broken, exit_code, is_hard
from loadtest.command import app
from tests.loadtest.run.small_up import PATIENT, replayed

pytestmark = [pytest.mark.redis, pytest.mark.slow, pytest.mark.alone]

QUICK = ["worker-killed", "network-refused", "valkey-flushed"]


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return replayed(tmp_path_factory.mktemp("serving"))


def test_nothing_fails_but_what_was_in_flight_in_a_killed_worker(
    serving: Path, tmp_path: Path
) -> None:
    page = tmp_path / "reliability.md"
    page.write_text("<!-- chaos -->\n<!-- /chaos -->\n")
    words = ["chaos", "run", *QUICK, "--up", str(serving), "--seconds", "4", "--rate", "40"]
    wanted = ["--p99-ms", "1000", "--tries", "2", "--out", str(tmp_path), "--write", str(page)]
    result = CliRunner().invoke(app, [*words, *wanted], env=PATIENT)
    reports = json.loads((tmp_path / report.JSON).read_text())["scenarios"]
    told = {each["name"]: each for each in reports}
    assert told.keys() == set(QUICK)
    # How late it was is for a machine that does nothing else.
    assert [broken(each) for each in reports if is_hard(each)] == []
    assert result.exit_code == exit_code(reports), result.output
    assert {each["failed"] for each in told.values()} == {0}
    assert told["network-refused"]["said_share"] > 0.8
    # Of a window: pages come back within it.
    assert told["valkey-flushed"]["coverage"]["lowest"] < 0.8
    assert told["valkey-flushed"]["settled_s"] is not None
    assert page.read_text().count("\n| ") == 1 + len(QUICK)
    assert "worker killed" in (tmp_path / report.HTML).read_text()
    assert not [each for each in psutil.Process().children(recursive=True) if is_ours(each)]


def is_ours(process: psutil.Process) -> bool:
    return bool({"up", "loadtest.chaos.proxy"} & set(process.cmdline()))
