"""A suite's result: rows of figures with their spread, as text, Markdown and JSON."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from models.features.records import F64


class Cell(NamedTuple):
    """A figure over seeds; a spread of one seed is unknown, not zero."""

    mean: float
    sd: float | None
    digits: int

    @classmethod
    def of(cls, values: F64, digits: int = 4) -> "Cell":
        sd = float(np.std(values, ddof=1)) if len(values) > 1 else None
        return cls(float(np.mean(values)), sd, digits)

    def __str__(self) -> str:
        mean = f"{self.mean:.{self.digits}f}"
        return mean if self.sd is None else f"{mean} ± {self.sd:.{self.digits}f}"


class Table(NamedTuple):
    title: str
    columns: Sequence[str]  # the first names a row
    rows: Sequence[Sequence[Cell | str]]
    note: str = ""

    def markdown(self) -> str:
        lines = [_line(self.columns), _line(["---"] + ["---:"] * (len(self.columns) - 1))]
        lines += [_line([str(cell) for cell in row]) for row in self.rows]
        text = f"**{self.title}**\n\n" + "\n".join(lines) + "\n"
        return f"{text}\n{self.note}\n" if self.note else text

    def as_json(self) -> dict[str, Any]:
        rows = [
            {
                column: cell._asdict() if isinstance(cell, Cell) else cell
                for column, cell in zip(self.columns, row, strict=True)
            }
            for row in self.rows
        ]
        return {"title": self.title, "rows": rows, "note": self.note}


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
