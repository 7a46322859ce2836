"""A training run on disk: what `understudy train` leaves for `evaluate` and `export`.

run.json                  seed, space, the log's folder, calibration by model and task
teacher|student|alone     .safetensors and .json each
annotations.safetensors   the teacher's word on the student's window and later
"""

from pathlib import Path
from typing import Any, Final

import numpy as np
from pydantic import Field
from safetensors.numpy import load_file, save_file

from models.annotate import Annotations
from models.features.records import Hints
from models.manifest import Calibration
from models.schema import Frozen

RUN: Final = "run.json"
NOTES: Final = "annotations.safetensors"
METRICS: Final = "metrics.json"


class RunFolderInvalid(Exception):
    """The folder is not a finished training run."""


class RunRecord(Frozen):
    log: str
    seed: int
    space: str
    calibration: dict[str, dict[str, Calibration]]
    seconds: dict[str, float] = Field(default_factory=dict)

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / RUN).write_text(self.model_dump_json(indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "RunRecord":
        try:
            return cls.model_validate_json((folder / RUN).read_text())
        except (OSError, ValueError) as error:
            raise RunFolderInvalid(
                f"{folder / RUN} is no training run ({error}): run `understudy train` first"
            ) from error


def save_annotations(folder: Path, notes: Annotations) -> None:
    """Only the annotated rows, with the first row's number."""
    start = int(np.argmax(notes.pair.tier > 0))
    arrays = {
        f"{name}.{field}": np.ascontiguousarray(column[start:])
        for name, hints in (("pair", notes.pair), ("aggregate", notes.aggregate))
        for field, column in hints._asdict().items()
    }
    held = np.ascontiguousarray(notes.held[start:])
    save_file(arrays | {"held": held, "start": np.array([start])}, folder / NOTES)


def load_annotations(folder: Path) -> Annotations:
    arrays = load_file(folder / NOTES)
    start = int(arrays["start"][0])

    def padded(name: str) -> Any:
        column = arrays[name]
        return np.concatenate([np.zeros((start, *column.shape[1:]), column.dtype), column])

    def hints(name: str) -> Hints:
        return Hints(*(padded(f"{name}.{field}") for field in Hints._fields))

    return Annotations(hints("pair"), hints("aggregate"), padded("held"))
