"""Simulations kept as a page that names its command, with the plot beside it."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from models.simulation.experiment import Point
from models.simulation.plot import draw
from models.suites.table import Table


class Heading(NamedTuple):
    title: str  # of the file, too
    command: str
    provenance: str
    lists: str  # what the candidates are


def write_page(
    folder: Path, heading: Heading, tables: Sequence[Table], points: Sequence[Point], seconds: float
) -> None:
    """`<title>.md` and `.svg`."""
    path = folder / f"{heading.title}.md"
    picture = path.with_suffix(".svg")
    draw(points, picture)
    cost = f"{time.strftime('%Y-%m-%d')}, {seconds / 60:.0f} minutes of CPU"
    parts = [
        f"# Speculation: {heading.title}\n",
        f"`{heading.command}`, {cost}. Data: {heading.provenance.rstrip('.')}. {heading.lists} "
        "Mean ± standard deviation over seeds, each of its own users.\n",
        *(table.markdown() for table in tables),
        f"![coverage and useful work]({picture.name})\n",
    ]
    path.write_text("\n".join(parts), encoding="utf-8")
