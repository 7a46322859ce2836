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
from models.suites.suites import Setting, Suite
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
    suites: dict[Suite, object] = {"ladder": lambda _: [TABLE], "tiers": lambda _: [TABLE, TABLE]}
    monkeypatch.setattr(page, "SUITES", suites)


def test_page_has_the_table_its_plot_and_the_command_that_makes_it(tmp_path: Path) -> None:
    page.tell_suites(["ladder"], DATA, Setting((0, 1)), as_json=False, pages=tmp_path / "quality")
    text = (tmp_path / "quality" / "ladder-adworld.md").read_text()
    assert f"understudy evaluate --suite ladder --data {DATA} --seeds 2`" in text
    assert TABLE.markdown() in text
    assert "![log loss](ladder-adworld.svg)" in text
    assert (tmp_path / "quality" / "ladder-adworld.svg").read_text().startswith("<?xml")


def test_same_figures_give_the_same_plot(tmp_path: Path) -> None:
    for name in ("first", "second"):
        draw([TABLE], tmp_path / f"{name}.svg")
    drawn = [(tmp_path / f"{name}.svg").read_text() for name in ("first", "second")]
    assert drawn[0] == drawn[1]


def test_compute_is_drawn_as_a_curve_with_the_name_of_its_family(tmp_path: Path) -> None:
    sizes = [("s", 1.0, 0.90), ("m", 10.0, 0.88)]
    rows: list[list[Cell | str]] = [
        [f"kunlun {size}", Cell(flops, None, 1), Cell(ne, 0.01, 4), Cell(ne, 0.01, 4)]
        for size, flops, ne in sizes
    ]
    columns = ["teacher", "training TFLOPs", "log loss", "NE"]
    draw([Table("Scaling: click", columns, rows)], tmp_path / "scaling.svg")
    drawn = (tmp_path / "scaling.svg").read_text()
    assert "<!-- kunlun -->" in drawn
    assert "<!-- training TFLOPs -->" in drawn


def test_page_explains_a_transfer_ratio_where_it_has_one(tmp_path: Path) -> None:
    with_ratio = TABLE._replace(columns=["variant", "TR"])
    for name, table in (("with", with_ratio._replace(columns=["log loss", "TR"])), ("out", TABLE)):
        page._write(tmp_path / f"{name}.md", [table], "# Suite")
    assert "TR is the share" in (tmp_path / "with.md").read_text()
    assert "TR is the share" not in (tmp_path / "out.md").read_text()


def test_page_does_not_say_where_a_team_keeps_its_data(tmp_path: Path) -> None:
    heading = page._heading("ladder", f"recbole:{tmp_path}", Setting((0,)), "somebody", 1.0)
    assert "recbole:PATH" in heading
    assert str(tmp_path) not in heading


def test_json_is_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    page.tell_suites(["ladder", "tiers"], DATA, Setting((0, 1)), as_json=True, pages=None)
    told = json.loads(capsys.readouterr().out)
    assert [(each["suite"], len(each["tables"])) for each in told] == [("ladder", 1), ("tiers", 2)]
    assert told[0]["tables"][0]["rows"][1] == {
        "variant": "student alone",
        "log loss": {"mean": 0.7, "sd": 0.0, "digits": 4},
    }


@pytest.mark.parametrize("both", [True, False])
def test_a_run_or_a_suite_has_to_be_named(tmp_path: Path, both: bool) -> None:
    with pytest.raises(typer.BadParameter, match="--run to measure or a --suite"):
        evaluate(run=tmp_path if both else None, suites=["ladder"] if both else None)


def test_a_suite_that_is_none_is_refused_with_those_that_are() -> None:
    with pytest.raises(typer.BadParameter, match="--suite stairs: give one of ladder, coverage"):
        evaluate(suites=["ladder", "stairs"])


def test_trees_are_imported_by_the_suite_that_needs_them_alone() -> None:
    """Their library needs a system library that a machine may lack."""
    code = "import sys, models.evaluate_command; print('lightgbm' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
