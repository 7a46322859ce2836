"""`understudy evaluate`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from models.annotation.annotations import load_annotations
from models.checkpoint import load_student, load_teacher
from models.data.causal import Replay
from models.data.log import Log
from models.evaluate import Candidate, effective_rank
from models.evaluate import evaluate as measure
from models.run_folder import METRICS, RunRecord
from models.suites.page import tell_suites
from models.suites.suites import SUITES, Setting, Suite

COLUMNS = {
    "auc": "AUC",
    "user_auc": "user AUC",
    "log_loss": "log loss",
    "normalised_entropy": "NE",
    "calibration_error": "ECE",
    "transfer_ratio": "TR",
}


def evaluate(
    run: Annotated[
        Path | None, typer.Option(help="A run folder, as `understudy train` writes it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
    suites: Annotated[
        list[str] | None,
        typer.Option(
            "--suite",
            metavar="|".join(SUITES),
            help="An experiment that trains its own models; several share them.",
        ),
    ] = None,
    data: Annotated[
        str, typer.Option(help="A suite's data, as `understudy import --data` takes it.")
    ] = "adworld:impressions=300000,seed=7",
    seeds: Annotated[int, typer.Option(help="Seeds of a suite, from 0.", min=1)] = 3,
    users: Annotated[
        float, typer.Option(help="Share of the data's users that a suite takes.", min=0, max=1)
    ] = 1.0,
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer epochs: a suite's direction, not its size.")
    ] = False,
    pages: Annotated[
        Path | None,
        typer.Option("--write", help="Folder for a page a suite, with a plot beside it."),
    ] = None,
) -> None:
    """Measure a run's models on the test window, or run suites; prints tables."""
    if (run is None) == (not suites):
        raise typer.BadParameter("name a --run to measure or a --suite to run, one of them")
    if suites:
        setting = Setting(tuple(range(seeds)), quick, users)
        tell_suites(_named(suites), data, setting, as_json, pages)
        return
    assert run is not None
    tell_run(run, as_json)


def _named(names: Sequence[str]) -> list[Suite]:
    known: dict[str, Suite] = {suite: suite for suite in SUITES}
    for name in names:
        if name not in known:
            raise typer.BadParameter(f"--suite {name}: give one of {', '.join(SUITES)}")
    return [known[name] for name in names]


def tell_run(run: Path, as_json: bool = False) -> None:
    """Prints the tables and writes metrics.json. Raises RunFolderInvalid, CheckpointInvalid."""
    record = RunRecord.read(run)
    replay = Replay.of(Log.read(Path(record.log)))
    teacher, teacher_config = load_teacher(run, "teacher")
    alone, alone_config = load_student(run, "alone")
    student, student_config = load_student(run, "student")
    notes = load_annotations(run)
    report = measure(
        replay,
        Candidate(teacher, teacher_config.features, record.calibration["teacher"]),
        Candidate(alone, alone_config.features, record.calibration["alone"]),
        Candidate(student, student_config.features, record.calibration["student"]),
        notes,
        record.seed,
    )
    report["z_effective_rank"] = effective_rank(notes.pair.z[notes.pair.tier > 0])
    (run / METRICS).write_text(json.dumps(report, indent=1) + "\n")
    console = Console()
    if as_json:
        console.print_json(data=report)
        return
    for task, models in report["tasks"].items():
        console.print(_table(task, models, report["impressions"]))


def _table(task: str, models: dict[str, Any], impressions: int) -> Table:
    title = f"{task}: {impressions:,} impressions of the test window"
    table = Table(title=title, box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("model", no_wrap=True)
    for heading in COLUMNS.values():
        table.add_column(heading, justify="right", no_wrap=True)
    for name, measured in models.items():
        cells = [measured.get(column) for column in COLUMNS]
        table.add_row(name, *("–" if cell is None else f"{cell:.4f}" for cell in cells))
    return table
