import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from loadtest.demo.spread import Demo, TooFewDemos, live, offline, spread

OUTAGE = {"requests": 5, "degraded_requests": 5, "failed_requests": 0}


def demo_of(folder: Path, auc: float, transfer_ratio: float | None = None) -> Path:
    scorer = {"auc": auc, "log_loss": 0.5}
    models: dict[str, Any] = {"teacher": scorer | {"transfer_ratio": transfer_ratio}}
    report = {
        "requests": 20,
        "failed_requests": 0,
        "quality": {"scorers": {"teacher": scorer}},
        "coverage_final": {"pair": 0.5},
        "redis_outage": OUTAGE,
    }
    (folder / "run").mkdir(parents=True)
    (folder / "run" / "metrics.json").write_text(json.dumps({"tasks": {"click": models}}))
    (folder / "report.json").write_text(json.dumps(report))
    return folder


def test_cells_hold_mean_and_sample_deviation(tmp_path: Path) -> None:
    demos = [Demo.read(demo_of(tmp_path / str(n), 0.7 + n / 100)) for n in range(3)]
    assert "| teacher | click | 0.7100 ± 0.0100 |" in offline(demos, {"auc": "AUC"})
    assert "| teacher | 0.7100 ± 0.0100 | 0.5000 ± 0.0000 |" in live(demos)
    assert "60 requests, 0 failed" in live(demos)
    assert "15 requests, 15 degraded, 0 failed" in live(demos)


def test_figure_that_a_seed_lacks_is_left_out(tmp_path: Path) -> None:
    folders = [demo_of(tmp_path / "a", 0.7, 0.5), demo_of(tmp_path / "b", 0.7)]
    table = offline([Demo.read(folder) for folder in folders], {"transfer_ratio": "TR"})
    assert table.endswith("| teacher | click | – |")


def test_tables_are_written_between_their_marks(tmp_path: Path) -> None:
    folders = [str(demo_of(tmp_path / name, 0.7)) for name in "ab"]
    page = tmp_path / "page.md"
    page.write_text("<!-- x -->\n<!-- /x -->\n<!-- x-live -->\n<!-- /x-live -->\n")
    app = typer.Typer()
    app.command()(spread)
    done = CliRunner().invoke(app, [*folders, "--name", "x", "--write", str(page)])
    assert done.exit_code == 0, done.output
    assert page.read_text().count("0.7000 ± 0.0000") == 2


def test_one_demo_has_no_spread(tmp_path: Path) -> None:
    with pytest.raises(TooFewDemos, match="two or more"):
        spread([demo_of(tmp_path / "a", 0.7)], name="x")
