"""The commands as they are typed."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from loadtest.command import app
from tests.loadtest.toy_server import toy

FAST = ["--rate", "400", "--seconds", "1"]


@pytest.fixture
def quick(tmp_path: Path) -> str:
    """A steady scenario without a warm-up."""
    path = tmp_path / "quick.toml"
    path.write_text("profile = [[0.0, 1.0], [1.0, 1.0]]\nwarm_up_s = 0")
    return str(path)


def test_a_budget_that_holds_ends_with_0_and_leaves_a_report(quick: str, tmp_path: Path) -> None:
    limits = ["--limit", "p99_ms=1900", "--limit", "errors=0", "--limit", "coverage=0.7"]
    with toy() as url:
        told = CliRunner().invoke(
            app, ["run", quick, "--url", url, *FAST, *limits, "--out", str(tmp_path / "out")]
        )
    assert told.exit_code == 0, told.output
    assert "400.0/s intended" in told.output
    assert json.loads((tmp_path / "out" / "report.json").read_text())["answered"] == 400
    again = CliRunner().invoke(app, ["report", str(tmp_path / "out")])
    assert again.exit_code == 0
    assert "outcome    held" in again.output


def test_a_budget_that_cannot_hold_ends_with_1_and_names_the_line(quick: str) -> None:
    with toy() as url:
        told = CliRunner().invoke(
            app, ["run", quick, "--url", url, *FAST, "--limit", "p50_ms=0.0001", "--json"]
        )
    assert told.exit_code == 1
    [line] = json.loads(told.stdout)["broken"]
    assert line.startswith("p50 ")
    assert line.endswith("is above 0.0001 ms")


def test_a_url_and_a_folder_are_one_too_many(quick: str) -> None:
    told = CliRunner().invoke(app, ["run", quick])
    assert "either --url" in str(told.exception)


def test_scenarios_are_listed_and_printed() -> None:
    listed = CliRunner().invoke(app, ["scenarios"])
    assert "mixed-sizes" in listed.output
    printed = CliRunner().invoke(app, ["scenarios", "redis-down"])
    assert 'process = "valkey"' in printed.output


def test_capacity_without_a_budget_is_refused() -> None:
    told = CliRunner().invoke(app, ["capacity", "--url", "http://127.0.0.1:9"])
    assert "give --budget or --limit" in str(told.exception)


def test_compare_interleaves_two_servers(quick: str) -> None:
    words = ["compare", quick, "--rounds", "9", "--block-s", "0.2"]
    with toy() as first, toy() as second:
        told = CliRunner().invoke(app, [*words, "--url", first, "--url", second, "--json"])
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert found["sides"]["A"]["requests"] == found["sides"]["B"]["requests"] == 9 * 20
    assert set(found["ratios"]) == {"p50", "throughput", "inference p50"}


def test_compare_wants_two() -> None:
    told = CliRunner().invoke(app, ["compare", "--url", "http://127.0.0.1:9"])
    assert "compare two" in str(told.exception)
