"""One teacher's word on the logs of several students (ExFM's data augmentation service, arXiv
2502.17494): joined, each example judged once, handed back log by log."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, Self

from rich.progress import Progress

from models.annotation.annotate import annotate
from models.annotation.annotations import save_annotations
from models.annotation.errors import AnnotationsRefused, LogsUnlike
from models.annotation.joined_log import join
from models.annotation.record import BLOCKS, RECORD, AnnotationRecord, LogRecord
from models.annotation.run_teacher import TEACHER, RunTeacher
from models.annotation.slices import of_log
from models.annotation.verdicts import Blocks
from models.data.causal import Replay
from models.data.log import Log
from models.data.periods import Periods
from models.examples import Examples
from models.features.records import I64
from models.replay.cache import CacheRules
from models.training.placement import Device, Placement
from models.training.terms import difference, log_digest

USUAL: Final = CacheRules()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What one `understudy annotate` was told."""

    teacher: Path
    logs: Mapping[str, Path]
    out: Path
    seed: int | None = None  # None: the teacher's
    rules: CacheRules = USUAL
    device: Device = "cpu"


def annotate_logs(order: Order, progress: Progress) -> AnnotationRecord:
    """Leaves the annotations of each log in the folder. Raises TrainingError or DataError.

    Of a teacher that was stopped, no block that it had finished is asked again.
    """
    Placement(device=order.device).checked()
    teacher = RunTeacher.of(order.teacher)
    work = _Work.of(order, teacher)
    asked = work.record(order, teacher)
    # Devices round differently: a block of one is not gone on with on another.
    blocks = Blocks(order.out / BLOCKS, f"{asked.space}/{log_digest(work.replay)}/{order.device}")
    if (order.out / RECORD).exists():
        record = _finished(order.out, asked)
        progress.console.print(f"{order.out}: there before, unchanged", markup=False)
    else:
        record = _made(order, teacher, work, asked, blocks, progress)
    blocks.clear()
    return record


class _Work(NamedTuple):
    replay: Replay  # of all logs, joined
    requests: I64  # of it, to annotate
    own: dict[str, Replay]
    rows: dict[str, I64]  # as in models.annotation.joined_log.Joined

    @classmethod
    def of(cls, order: Order, teacher: RunTeacher) -> Self:
        logs = {name: Log.read(folder) for name, folder in order.logs.items()}
        joined = join(logs, teacher.config.features.log)
        _check_unseen(joined.log.periods, teacher)
        replay = Replay.of(joined.log)
        requests = _later(replay)
        own = {name: Replay.of(log) for name, log in logs.items()}
        return cls(replay, requests, own, joined.rows)

    def record(self, order: Order, teacher: RunTeacher) -> AnnotationRecord:
        """As it is before the teacher has said anything."""
        first = int(self.replay.offsets[self.requests[0]])
        logs = {
            name: LogRecord(
                folder=str(order.logs[name].resolve()),
                digest=log_digest(own),
                examples=int((self.rows[name] >= first).sum()),
            )
            for name, own in sorted(self.own.items())
        }
        return AnnotationRecord(
            space=teacher.record.space,
            checkpoint=teacher.digest(),
            seed=teacher.record.seed if order.seed is None else order.seed,
            rules=order.rules,
            logs=logs,
            unique=len(self.replay.item) - first,
            pairs=0,
        )


def _check_unseen(periods: Periods, teacher: RunTeacher) -> None:
    if periods.student_from_ms < teacher.until_ms:
        raise LogsUnlike(
            f"student_from_ms of the logs is {periods.student_from_ms}, before {teacher.until_ms} "
            f"up to which {teacher.folder} was trained: a teacher says nothing of what it has "
            "seen; begin that period later, or train the teacher on an earlier one"
        )


def _later(replay: Replay) -> I64:
    """The student's, the validation and the test window, to the end of the log."""
    periods = replay.log.periods
    later = periods.student.model_copy(update={"until_ms": periods.until_ms})
    requests = replay.requests_in(later)
    if not len(requests):
        raise LogsUnlike(
            f"no log has a request from {later.from_ms} on, where the student's period begins: "
            "there is nothing to annotate; move the periods or add later requests"
        )
    return requests


def _finished(out: Path, asked: AnnotationRecord) -> AnnotationRecord:
    record = AnnotationRecord.read(out)
    unlike = difference(record.terms(), asked.terms())
    if unlike:
        raise AnnotationsRefused(
            f"{out / RECORD} has {unlike}: choose another --out, or remove {out}"
        )
    return record


def _made(
    order: Order,
    teacher: RunTeacher,
    work: _Work,
    asked: AnnotationRecord,
    blocks: Blocks,
    progress: Progress,
) -> AnnotationRecord:
    """The record comes last: where it is, all else is whole."""
    examples = Examples.of(work.replay, teacher.config.features)
    setting = (work.requests, order.rules, asked.seed, progress, blocks)
    with Placement(device=order.device).hosting(teacher.model):
        notes = annotate(teacher.model, examples, *setting)
    for name, own in work.own.items():
        sliced = of_log(notes, work.replay, own, work.rows[name])
        save_annotations(order.out / name, sliced)
    teacher.copy(order.out / TEACHER)
    record = asked.model_copy(update={"pairs": blocks.pairs()})
    record.write(order.out)
    return record
