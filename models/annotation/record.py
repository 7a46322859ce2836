"""What `understudy annotate` leaves, and how a student of one of the logs finds it.

annotations.json               what it was made of, and how much of it there was
teacher/                       a run folder that holds the teacher alone
NAME/annotations.safetensors   of each log, by its own impressions
blocks/                        what the teacher has said so far; gone when all of it is there
"""

from pathlib import Path
from typing import Final, NamedTuple, Self

from models.annotation.errors import AnnotationsInvalid, AnnotationsRefused
from models.annotation.run_teacher import TEACHER
from models.replay.cache import CacheRules
from models.run_folder import RunRecord
from models.schema import Frozen
from models.training.staged_file import staged
from models.training.terms import Terms, terms_of

RECORD: Final = "annotations.json"
BLOCKS: Final = "blocks"


class LogRecord(Frozen):
    folder: str
    digest: str  # models.training.terms.log_digest
    examples: int  # impressions that were annotated


class AnnotationRecord(Frozen):
    space: str
    checkpoint: str  # SHA-256 of the teacher's weights
    seed: int
    rules: CacheRules
    logs: dict[str, LogRecord]
    unique: int  # examples of all logs, each counted once
    pairs: int  # of a state and an item, that the teacher ran on

    @property
    def examples(self) -> int:
        return sum(log.examples for log in self.logs.values())

    def terms(self) -> Terms:
        """What the annotations follow from."""
        return terms_of(
            space=self.space,
            checkpoint=self.checkpoint,
            seed=self.seed,
            rules=self.rules,
            logs={name: log.digest for name, log in self.logs.items()},
        )

    def write(self, folder: Path) -> None:
        with staged(folder / RECORD) as beside:
            beside.write_text(self.model_dump_json(indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Raises AnnotationsInvalid."""
        try:
            return cls.model_validate_json((folder / RECORD).read_text())
        except (OSError, ValueError) as error:
            raise AnnotationsInvalid(
                f"{folder / RECORD} is no record of annotations ({error}): "
                f"`understudy annotate --teacher RUN --log NAME=LOG --out {folder}` makes it"
            ) from error


class Given(NamedTuple):
    """One log's annotations, as a student is given them."""

    folder: Path
    record: AnnotationRecord

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Raises AnnotationsInvalid."""
        whole = folder.resolve()
        given = cls(whole, AnnotationRecord.read(whole.parent))
        if whole.name not in given.record.logs:
            named = ", ".join(str(folder.parent / name) for name in given.record.logs)
            raise AnnotationsInvalid(f"{folder} is of no log that was annotated: give {named}")
        return given

    @property
    def log(self) -> LogRecord:
        return self.record.logs[self.folder.name]

    @property
    def teacher_folder(self) -> Path:
        return self.folder.parent / TEACHER

    def teacher(self) -> RunRecord:
        """Raises RunFolderInvalid."""
        return RunRecord.read(self.teacher_folder, needed=(TEACHER,))

    def check(self, digest: str, log: Path) -> None:
        """Raises AnnotationsRefused where the log is not the one that was annotated."""
        if digest != self.log.digest:
            raise AnnotationsRefused(
                f"{self.folder} is of a log with the digest {self.log.digest}; that of {log} is "
                f"{digest}: give the log that was annotated, or annotate this one"
            )
