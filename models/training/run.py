"""One `understudy train`: the parts of a run in order, each there, gone on with, or begun."""

import time
from typing import Final, Literal

from rich.progress import Progress

from models.annotation.record import Given
from models.data.causal import Replay
from models.data.log import Log
from models.run_folder import METRICS, PARTS, RUN, Part, RunRecord
from models.training.adopted import record_with, take_in
from models.training.epoch_checkpoint import REMEDY
from models.training.errors import RunRefused
from models.training.part_terms import part_terms
from models.training.parts import MAKERS, Making, Plan
from models.training.processes import joined, meet
from models.training.terms import Terms, difference, log_digest
from models.training.trail import Trail

What = Literal["all", "teacher", "student"]
ASKED: Final[dict[What, tuple[Part, ...]]] = {
    "all": PARTS,
    "teacher": ("teacher",),
    "student": ("annotations", "alone", "student"),
}


def run_training(
    plan: Plan, progress: Progress, what: What = "all", *, anew: bool = False
) -> RunRecord:
    """Leaves the parts that were asked for in the run folder. Raises TrainingError.

    If all of them are there already they are made anew, and what follows from them goes.
    """
    asked = ASKED[what]
    with joined(plan.placement.checked()):
        run = _Run(plan, progress, _there(plan, asked, anew))
        if anew or set(asked) <= set(run.record.parts):
            progress.console.print(f"{plan.out}: begins anew")
            run.drop(PARTS if "teacher" in asked else asked)
        for part in asked:
            run.have(part)
    return run.record


def _there(plan: Plan, asked: tuple[Part, ...], anew: bool) -> RunRecord:
    if plan.annotations is not None:
        return record_with(Given.read(plan.annotations), plan.out, plan.seed, anew=anew)
    if "teacher" not in asked:
        return RunRecord.read(plan.out, needed=("teacher",))
    begun = not anew and (plan.out / RUN).exists()
    found = RunRecord.read(plan.out, needed=()) if begun else None
    if found and found.parts:
        return found
    return RunRecord(log=str(plan.log.resolve()), seed=plan.seed)


class _Run:
    """The record that all processes hold, and the folder, which the first of them writes."""

    def __init__(self, plan: Plan, progress: Progress, record: RunRecord) -> None:
        self.record = record
        self._plan, self._progress, self._placement = plan, progress, plan.placement
        self._replay = Replay.of(Log.read(plan.log))
        self._digest = log_digest(self._replay)
        self._take_given()
        meet(self._placement)  # nobody writes before all have read

    def drop(self, parts: tuple[Part, ...]) -> None:
        self.record = self.record.without(parts)
        if self._placement.writes:
            self.record.write(self._plan.out)
            (self._plan.out / METRICS).unlink(missing_ok=True)
            for part in parts:
                self._trail(part, {}).clear()
        meet(self._placement)  # nobody finds a checkpoint that is about to go

    def have(self, part: Part) -> None:
        terms = part_terms(part, self._plan, self._digest, self.record.space)
        there = self.record.parts.get(part)
        if there is None:
            self._make(part, terms)
            return
        unlike = difference(there, terms)
        if unlike:
            raise RunRefused(f"{self._plan.out / RUN} has a {part} with {unlike}: {REMEDY}")
        self._progress.console.print(f"{part}: there before, unchanged")

    def _take_given(self) -> None:
        """Takes in the teacher of the annotations that the run was given, if it was."""
        plan = self._plan
        if plan.annotations is None:
            return
        given = Given.read(plan.annotations)
        given.check(self._digest, plan.log)
        if self._placement.writes:
            take_in(given, plan.out)

    def _make(self, part: Part, terms: Terms) -> None:
        if self._placement.writes:
            self.record.write(self._plan.out)
        began, trail = time.perf_counter(), self._trail(part, terms)
        made = MAKERS[part](Making(self._plan, self._replay, self._progress, trail))
        self.record = self.record.having(
            part,
            terms=terms,
            seconds=time.perf_counter() - began,
            log=str(self._plan.log.resolve()),
            space=made.space,
            calibration=made.calibration,
        )
        if self._placement.writes:
            self.record.write(self._plan.out)
            trail.clear()
        meet(self._placement)  # the next part reads this one from the folder

    def _trail(self, part: Part, terms: Terms) -> Trail:
        plan = self._plan
        return Trail(folder=plan.out, name=part, terms=terms, after_epoch=plan.after_epoch)
