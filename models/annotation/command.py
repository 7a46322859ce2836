"""`understudy annotate`."""

import re
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from models.annotation.record import BLOCKS, AnnotationRecord
from models.annotation.run_teacher import TEACHER
from models.annotation.service import Order, annotate_logs
from models.training.options import DeviceOption

NAME: Final = re.compile(r"[A-Za-z0-9_-]+")
TAKEN: Final = (BLOCKS, TEACHER)


def annotate(
    teacher: Annotated[Path, typer.Option(help="A run folder that holds a teacher.")],
    log: Annotated[
        list[str],
        typer.Option(metavar="NAME=FOLDER", help="A student's log, and a name for it; once each."),
    ],
    out: Annotated[Path, typer.Option(help="The folder to write, or to go on with.")],
    seed: Annotated[
        int | None, typer.Option(help="Of what is drawn.", show_default="the teacher's")
    ] = None,
    device: DeviceOption = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
) -> None:
    """Annotate the logs of several students with one teacher, each example once.

    An interrupted annotation goes on with the same command.
    """
    order = Order(teacher=teacher, logs=named(log), out=out, seed=seed, device=device)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        record = annotate_logs(order, progress)
    console = Console()
    if as_json:
        console.print_json(data=told(record))
        return
    console.print(f"{out}: space {record.space}", markup=False, soft_wrap=True)
    console.print(_table(record))


def named(words: list[str]) -> dict[str, Path]:
    """`NAME=FOLDER` each. Raises typer.BadParameter."""
    found = dict[str, Path]()
    for word in words:
        name, _, folder = word.partition("=")
        if not folder or not NAME.fullmatch(name) or name in TAKEN:
            raise typer.BadParameter(
                f"--log {word}: give NAME=FOLDER, the name of letters, digits, - and _, "
                f"and not {' or '.join(TAKEN)}"
            )
        if name in found:
            raise typer.BadParameter(f"--log {word}: {name} is {found[name]} already; rename one")
        found[name] = Path(folder)
    return found


def told(record: AnnotationRecord) -> dict[str, Any]:
    return {**record.model_dump(mode="json"), "examples": record.examples}


def _table(record: AnnotationRecord) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("log", no_wrap=True)
    table.add_column("examples", justify="right", no_wrap=True)
    for name, log in record.logs.items():
        table.add_row(name, f"{log.examples:,}", end_section=name == [*record.logs][-1])
    table.add_row("unique", f"{record.unique:,}")
    table.add_row("pairs the teacher ran", f"{record.pairs:,}")
    return table
