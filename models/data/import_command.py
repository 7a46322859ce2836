"""`understudy import`: any data source → a log folder."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from models.data.errors import DataError
from models.data.log import Log
from models.data.periods import after_teacher
from models.data.sources import open_source
from models.data.statistics import fitted
from models.run_folder import RunRecord


def import_log(
    data: Annotated[
        str, typer.Option(help="adworld:impressions=N,seed=N or NAME:PATH; see docs/data.md.")
    ],
    out: Annotated[Path, typer.Option(help="Folder to write the log to.")],
    teacher: Annotated[
        Path | None,
        typer.Option(help="Run whose teacher is kept: periods begin after what it has seen."),
    ] = None,
) -> None:
    """Read a data source and write it as a log."""
    console = Console(stderr=True)
    try:
        with console.status(f"reading {data}"):
            log = open_source(data)
            if teacher is not None:
                log = _after(log, teacher)
            log.write(out)
    except DataError as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(1) from error
    counted = f"{len(log.impressions)} impressions, {len(log.users)} users, {len(log.items)} items"
    console.print(f"{out}: {counted}", markup=False)


def _after(log: Log, run: Path) -> Log:
    """Raises RunFolderInvalid, DataError."""
    taught = Log.load(Path(RunRecord.read(run, needed=("teacher",)).log))
    return fitted(replace(log, periods=after_teacher(log.periods, taught.periods.student_from_ms)))
