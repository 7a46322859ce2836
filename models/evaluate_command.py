"""`understudy evaluate`."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from models.checkpoint import load_student, load_teacher
from models.data.causal import Replay
from models.data.log import Log
from models.evaluate import Candidate, effective_rank
from models.evaluate import evaluate as measure
from models.run_folder import METRICS, RunRecord, load_annotations

COLUMNS = {
    "auc": "AUC",
    "user_auc": "user AUC",
    "log_loss": "log loss",
    "normalised_entropy": "NE",
    "calibration_error": "ECE",
    "transfer_ratio": "TR",
}


def evaluate(
    run: Annotated[Path, typer.Option(help="A run folder, as `understudy train` writes it.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print metrics.json instead.")] = False,
) -> None:
    """Measure a run's models on the test window; prints tables and writes metrics.json."""
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
