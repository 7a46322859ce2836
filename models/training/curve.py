"""How a fit went: a CSV, and the same for TensorBoard beside it."""

import csv
import shutil
from pathlib import Path
from typing import Final

from tensorboardX import SummaryWriter
from torch import Tensor

from models.training.course import Course
from models.training.staged_file import staged

COLUMNS: Final = ("step", "epoch", "loss", "learning_rate", "validation", "seconds")
EVERY: Final = 10
"""Steps of a row: its loss is their mean, and on a GPU nothing waits for the steps between."""


class Curve:
    """`folder/name.csv` and `folder/name/`. Rows of steps that are to be done again go away."""

    def __init__(self, folder: Path, name: str, step: int) -> None:
        path = folder / f"{name}.csv"
        _keep_until(path, step)
        if not step:
            shutil.rmtree(folder / name, ignore_errors=True)
        self._file = path.open("a", newline="", buffering=1)
        self._rows = csv.writer(self._file)
        self._events = SummaryWriter(str(folder / name), purge_step=step + 1)
        self._losses: list[Tensor] = []

    def step(self, course: Course, loss: Tensor) -> None:
        self._losses.append(loss.detach())
        if len(self._losses) == EVERY:
            self._row(course, course.epoch + 1, None)

    def epoch(self, course: Course) -> None:
        """Its own row, with the loss of the steps since the last one."""
        self._row(course, course.epoch, course.values[-1])

    def close(self) -> None:
        self._file.close()
        self._events.close()

    def _row(self, course: Course, epoch: int, validation: float | None) -> None:
        said = {"learning_rate": course.learning_rate, "validation": validation}
        if self._losses:
            said["loss"] = sum(float(loss) for loss in self._losses) / len(self._losses)
            self._losses.clear()
        measured = {name: value for name, value in said.items() if value is not None}
        cells = measured | {
            "step": course.step,
            "epoch": epoch,
            "seconds": round(course.seconds, 2),
        }
        self._rows.writerow([cells.get(name, "") for name in COLUMNS])
        for name, value in measured.items():
            self._events.add_scalar(name, value, course.step)


def _keep_until(path: Path, step: int) -> None:
    """The header, and rows up to this step: each is whole by the time of its checkpoint."""
    kept = _rows_until(path, step) if path.exists() else []
    with staged(path) as beside, beside.open("w", newline="") as file:
        csv.writer(file).writerows([list(COLUMNS), *kept])


def _rows_until(path: Path, step: int) -> list[list[str]]:
    with path.open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    # The last line of a process that was killed may be half a line.
    return [row for row in rows if len(row) == len(COLUMNS) and int(row[0]) <= step]
