"""`understudy simulate` from end to end, on an ad world of some users."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from models.simulation.experiment import NAMES
from understudy import build

DATA = "adworld:impressions=4000,seed=7"
QUICK = ("--data", DATA, "--users", "0.1", "--seeds", "2")


def simulate(*words: str) -> tuple[int, str]:
    arguments = ("simulate", *words)
    result = CliRunner().invoke(build(arguments), arguments, prog_name="understudy")
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_every_policy_is_simulated_and_kept_as_a_page_that_says_how(tmp_path: Path) -> None:
    code, output = simulate(*QUICK, "--budget", "0.5", "--json", "--write", str(tmp_path))
    assert code == 0
    reached, wasted = json.loads(output[output.index("[") :])
    assert [row["policy"] for row in reached["rows"]][2:] == list(NAMES)
    assert [row["policy"] for row in wasted["rows"]] == list(NAMES)
    shares = [row["coverage"]["mean"] for row in reached["rows"]]
    assert max(shares[2:]) <= shares[0] <= 1.0
    page = (tmp_path / "adworld.md").read_text()
    assert f"`understudy simulate --data {DATA} --budget 0.5 --seeds 2 --users 0.1" in page
    assert (tmp_path / "adworld.svg").exists()


def test_a_table_is_printed_for_people() -> None:
    code, output = simulate(*QUICK, "--budget", "0.5", "--policy", "demand-only")
    assert code == 0
    assert "demand-only" in output
    assert "hazard" not in output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--data", DATA, "--budget", "much"), "give pairs a second"),
        (("--data", DATA, "--budget", "0"), "finite numbers above 0"),
        (("--data", DATA, "--budget", "nan"), "finite numbers above 0"),
        (("--data", DATA, "--policy", "oracle"), "demand-only"),
        ((), "name a --run or a --data"),
        (("--data", DATA, "--run", "RUN"), "name a --run or a --data"),
    ],
)
def test_what_cannot_be_simulated_is_refused_with_what_can(
    words: tuple[str, ...], told: str
) -> None:
    code, output = simulate(*words)
    assert code == 2
    assert told in " ".join(output.replace("│", " ").split())
