"""Three judgements of one served request: with its hints, without, and the teacher's own."""

from enum import StrEnum
from typing import NamedTuple

import numpy as np

from cache.arrays import F32, F64, U8
from cache.record import UserRecord, empty_record
from cache.refresh.worth_inputs import as_served, before, masked, needs_record, teacher_inputs
from cache.served import Served
from models.features.live_catalogue import LiveCatalogue
from models.runtime import Model
from models.schema import categorical, numbers


class NotItsTeacher(Exception):
    """Student and teacher do not belong together, or do not read the same log."""


class Passed(StrEnum):
    """Why a served request is not judged."""

    OTHER_VERSION = "other_version"  # another student answered it
    OTHER_INPUTS = "other_inputs"  # not what that student reads
    NO_LOGIT = "no_logit"  # the student failed, and prior scores ordered
    NO_HISTORY = "no_history"  # the teacher reads of events that nobody has any more
    NONE_RETURNED = "none_returned"


class Judged(NamedTuple):
    """The n candidates that were returned."""

    user_id: str
    at_ms: int
    item_ids: list[str]
    with_hints: F64  # [n] calibrated probabilities, all three
    masked: F64
    teacher: F64
    tier: U8  # [n]
    age_s: F32  # [n]
    request_id: str = ""


class Pair(NamedTuple):
    space: str
    model: str
    version: str  # of the student
    teacher: str  # version


class Judge:
    """Blocking; called from a thread."""

    def __init__(
        self, student: Model, teacher: Model, items: LiveCatalogue, task: str | None = None
    ) -> None:
        """`items` are made for the teacher's schema. Raises NotItsTeacher."""
        self.pair = _pair(student, teacher, task)
        self.task = task or student.manifest.tasks[0]
        self._student, self._teacher, self._items = student, teacher, items
        told = student.manifest.features.inputs()
        self._inputs = {spec.name for spec in told if spec.source is not None}
        self._place = student.manifest.tasks.index(self.task)
        self.log = log = teacher.manifest.features.log
        self._stranger = empty_record(
            len(categorical(log.user)), len(numbers(log.user)), len(log.tasks), log.fingerprint()
        )

    def wants_record(self, served: Served) -> bool:
        schemas = self._student.manifest.features, self._teacher.manifest.features
        return self._passed(served) is None and needs_record(served, *schemas)

    def judge(self, served: Served, record: UserRecord | None) -> Judged | Passed:
        """`record` is the user's, wanted or not."""
        passed = self._passed(served)
        if passed is not None:
            return passed
        state = self._stranger
        if self.wants_record(served):
            if record is None or record.fingerprint != self._stranger.fingerprint:
                return Passed.NO_HISTORY
            state = before(record, served.timestamp_ms)
        rows = np.flatnonzero(served.position >= 0)
        student, teacher = self._student.manifest.features, self._teacher.manifest.features
        alone = self._student.run(masked(as_served(served), student)).logit[rows]
        told = teacher_inputs(served, rows, state, student, teacher, self._items.view)
        return Judged(
            user_id=served.user_id,
            at_ms=served.timestamp_ms,
            item_ids=[served.item_ids[row] for row in rows],
            with_hints=served.scores[rows, self._place],
            masked=self._student.probabilities(alone, self._place),
            teacher=self._teacher.probabilities(self._teacher.run(told).logit, self._place),
            tier=served.tier[rows],
            age_s=served.age_s[rows],
            request_id=served.request_id,
        )

    def _passed(self, served: Served) -> Passed | None:
        if served.version != self._student.version:
            return Passed.OTHER_VERSION
        if self._inputs != served.user_side.keys() | served.candidate_side.keys():
            return Passed.OTHER_INPUTS
        if served.logit is None:
            return Passed.NO_LOGIT
        return None if (served.position >= 0).any() else Passed.NONE_RETURNED


def _pair(student: Model, teacher: Model, task: str | None) -> Pair:
    """Raises NotItsTeacher."""
    reads, gives = student.manifest, teacher.manifest
    if reads.reads_space is None or reads.reads_space != gives.produces_space:
        raise NotItsTeacher(
            f"student {student.version} reads the space {reads.reads_space} and teacher "
            f"{teacher.version} produces {gives.produces_space}: give a folder of one export"
        )
    if reads.features.log != gives.features.log:
        raise NotItsTeacher(
            f"student {student.version} and teacher {teacher.version} follow different log "
            "schemas, so that one's inputs say nothing to the other: export both from one log"
        )
    if task is not None and task not in reads.tasks:
        raise NotItsTeacher(f"task {task!r} is none of {', '.join(reads.tasks)}: name one of them")
    return Pair(reads.reads_space, reads.name, student.version, teacher.version)
