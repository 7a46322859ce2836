"""A run that is given annotations takes in the teacher that made them, for export and evaluation
need both."""

from pathlib import Path
from typing import Final

from models.annotation.record import Given
from models.annotation.run_teacher import TEACHER, copy_files
from models.run_folder import RUN, RunRecord
from models.training.errors import RunRefused

REMEDY: Final = "choose another --out, or give --anew to begin again with the teacher of these"


def record_with(given: Given, out: Path, seed: int, *, anew: bool) -> RunRecord:
    """The run's, with the teacher of the annotations. Raises RunRefused where it has another."""
    teacher = given.teacher()
    fresh = teacher.model_copy(update={"log": given.log.folder, "seed": seed})
    if anew or not (out / RUN).exists():
        return fresh
    found = RunRecord.read(out, needed=())
    if not found.parts:
        return fresh
    if TEACHER not in found.parts or found.space != given.record.space:
        raise RunRefused(
            f"{out / RUN} has {', '.join(found.parts)} of the space {found.space!r}, not "
            f"{given.record.space!r} as {given.folder} has: {REMEDY}"
        )
    return found


def take_in(given: Given, out: Path) -> None:
    """Before the run's record says so."""
    copy_files(given.teacher_folder, out)
