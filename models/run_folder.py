"""A training run on disk: what `understudy train` leaves for `evaluate` and `export`.

run.json                  the log's folder, seed, space; of each part that is there, what it was
                          made of, its calibration and seconds
teacher|student|alone     .safetensors and .json each
annotations.safetensors   the teacher's word on the student's window and later
curves/                   a CSV and TensorBoard events of each model
checkpoints/              of the model in training, gone when it is there
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal

from pydantic import Field

from models.manifest import Calibration
from models.schema import Frozen
from models.training.errors import RunFolderInvalid as RunFolderInvalid
from models.training.staged_file import staged
from models.training.terms import Terms

RUN: Final = "run.json"
METRICS: Final = "metrics.json"
Part = Literal["teacher", "annotations", "alone", "student"]
PARTS: Final[tuple[Part, ...]] = ("teacher", "annotations", "alone", "student")


class RunRecord(Frozen):
    """A part is named once it is whole: a record without one is of a run that has yet to end."""

    log: str
    seed: int
    space: str = ""
    parts: dict[Part, Terms] = Field(default_factory=dict)
    calibration: dict[str, dict[str, Calibration]] = Field(default_factory=dict)
    seconds: dict[str, float] = Field(default_factory=dict)

    def write(self, folder: Path) -> None:
        with staged(folder / RUN) as beside:
            beside.write_text(self.model_dump_json(indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path, needed: Iterable[Part] = PARTS) -> "RunRecord":
        """Raises RunFolderInvalid, also when one of the needed parts is not there."""
        try:
            record = cls.model_validate_json((folder / RUN).read_text())
        except (OSError, ValueError) as error:
            raise RunFolderInvalid(
                f"{folder / RUN} is no training run ({error}): "
                f"`understudy train --log LOG --out {folder} --anew` makes one"
            ) from error
        missing = [part for part in needed if part not in record.parts]
        if missing:
            raise RunFolderInvalid(
                f"{folder / RUN} has {', '.join(record.parts) or 'nothing'}, but no {missing[0]}: "
                f"{_REMEDIES[missing[0]].format(folder)}"
            )
        return record

    def having(
        self,
        part: Part,
        *,
        terms: Terms,
        seconds: float,
        log: str,
        space: str | None,
        calibration: dict[str, Calibration] | None,
    ) -> "RunRecord":
        found = {} if calibration is None else {part: calibration}
        return self.model_copy(
            update={
                "log": log,
                "space": self.space if space is None else space,
                "parts": self.parts | {part: terms},
                "calibration": self.calibration | found,
                "seconds": self.seconds | {part: round(seconds, 1)},
            }
        )

    def without(self, parts: Iterable[Part]) -> "RunRecord":
        gone = set(parts)
        return self.model_copy(
            update={
                name: {key: value for key, value in getattr(self, name).items() if key not in gone}
                for name in ("parts", "calibration", "seconds")
            }
        )


_TEACHER_FIRST: Final = "`understudy train teacher --log LOG --out {}` makes it"
_THEN_STUDENTS: Final = "`understudy train student --out {}` makes it"
_REMEDIES: Final[dict[Part, str]] = {
    "teacher": _TEACHER_FIRST,
    "annotations": _THEN_STUDENTS,
    "alone": _THEN_STUDENTS,
    "student": _THEN_STUDENTS,
}
