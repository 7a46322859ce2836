"""A suite from the command line: what is printed, and the page that it keeps."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer

from models.evaluate_command import evaluate
from models.suites import page
from models.suites.plot import draw
from models.suites.suites import Setting
from models.suites.table import Cell, Table

TABLE = Table(
    "Ladder: click",
    ["variant", "log loss"],
    [["teacher", Cell.of(np.array([0.5, 0.6]))], ["student alone", Cell.of(np.array([0.7, 0.7]))]],
)
DATA = "adworld:impressions=2000,seed=1"


@pytest.fixture(autouse=True)
def ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """A suite that has run already."""
    monkeypatch.setattr(page, "run_suite", lambda *_: [TABLE])


def test_page_has_the_table_its_plot_and_the_command_that_makes_it(tmp_path: Path) -> None:
    page.tell_suite("ladder", DATA, Setting((0, 1)), as_json=False, write=tmp_path / "ladder.md")
    text = (tmp_path / "ladder.md").read_text()
    assert f"understudy evaluate --suite ladder --data {DATA} --seeds 2`" in text
    assert TABLE.markdown() in text
    assert "![log loss](ladder.svg)" in text
    assert (tmp_path / "ladder.svg").read_text().startswith("<?xml")


def test_same_figures_give_the_same_plot(tmp_path: Path) -> None:
    for name in ("first", "second"):
        draw([TABLE], tmp_path / f"{name}.svg")
    drawn = [(tmp_path / f"{name}.svg").read_text() for name in ("first", "second")]
    assert drawn[0] == drawn[1]


def test_page_does_not_say_where_a_team_keeps_its_data(tmp_path: Path) -> None:
    heading = page._heading("ladder", f"recbole:{tmp_path}", Setting((0,)), "somebody", 1.0)
    assert "recbole:PATH" in heading
    assert str(tmp_path) not in heading


def test_json_is_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    page.tell_suite("ladder", DATA, Setting((0, 1)), as_json=True, write=None)
    [told] = json.loads(capsys.readouterr().out)
    assert told["rows"][1] == {
        "variant": "student alone",
        "log loss": {"mean": 0.7, "sd": 0.0, "digits": 4},
    }


@pytest.mark.parametrize("both", [True, False])
def test_a_run_or_a_suite_has_to_be_named(tmp_path: Path, both: bool) -> None:
    with pytest.raises(typer.BadParameter, match="--run to measure or a --suite"):
        evaluate(run=tmp_path if both else None, suite="ladder" if both else None)


def test_trees_are_imported_by_the_suite_that_needs_them_alone() -> None:
    """Their library needs a system library that a machine may lack."""
    code = "import sys, models.evaluate_command; print('lightgbm' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
