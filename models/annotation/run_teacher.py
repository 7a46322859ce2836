"""The teacher of a run, to be heard outside of it."""

import hashlib
import shutil
from pathlib import Path
from typing import Final, NamedTuple, Self

from models import checkpoint
from models.annotation.errors import LogsUnlike
from models.data.causal import Replay
from models.data.log import Log
from models.run_folder import PARTS, RunRecord
from models.teacher import Teacher, TeacherConfig
from models.train import space_of
from models.training.errors import CheckpointInvalid
from models.training.staged_file import staged
from models.training.terms import log_digest

TEACHER: Final = "teacher"
FILES: Final = (f"{TEACHER}.safetensors", f"{TEACHER}.json")


class RunTeacher(NamedTuple):
    folder: Path
    record: RunRecord
    model: Teacher
    config: TeacherConfig
    until_ms: int  # the end of the period that it was trained on

    @classmethod
    def of(cls, run: Path) -> Self:
        """Raises RunFolderInvalid, CheckpointInvalid, LogsUnlike or a DataError."""
        record = RunRecord.read(run, needed=(TEACHER,))
        model, config = checkpoint.load_teacher(run, TEACHER)
        if space_of(model) != record.space:
            raise CheckpointInvalid(
                f"{run / FILES[0]} is of the space {space_of(model)}, but run.json names "
                f"{record.space}: bring back the two that belong together"
            )
        return cls(run, record, model, config, _trained_until(record))

    def digest(self) -> str:
        """SHA-256 of the weights' file."""
        with (self.folder / FILES[0]).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def copy(self, folder: Path) -> None:
        """As a run that holds the teacher alone."""
        copy_files(self.folder, folder)
        self.record.without(part for part in PARTS if part != TEACHER).write(folder)


def copy_files(run: Path, folder: Path) -> None:
    for name in FILES:
        with staged(folder / name) as beside:
            shutil.copyfile(run / name, beside)


def _trained_until(record: RunRecord) -> int:
    """As its own log has it, once that is known to be the one that it was trained on."""
    log = Log.read(Path(record.log))
    trained_on, found = record.parts[TEACHER]["log"], log_digest(Replay.of(log))
    if found != trained_on:
        raise LogsUnlike(
            f"{record.log} has the digest {found}, not {trained_on} as when the teacher was "
            "trained on it: nobody knows any more which rows it has seen; put that log back"
        )
    return log.periods.student_from_ms
