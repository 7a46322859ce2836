"""`understudy import`: any data source → a log folder."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from models.data.errors import DataError
from models.data.sources import open_source


def import_log(
    data: Annotated[
        str, typer.Option(help="adworld:impressions=N,seed=N or NAME:PATH; see docs/data.md.")
    ],
    out: Annotated[Path, typer.Option(help="Folder to write the log to.")],
) -> None:
    """Read a data source and write it as a log."""
    console = Console(stderr=True)
    try:
        with console.status(f"reading {data}"):
            log = open_source(data)
            log.write(out)
    except DataError as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(1) from error
    counted = f"{len(log.impressions)} impressions, {len(log.users)} users, {len(log.items)} items"
    console.print(f"{out}: {counted}", markup=False)
