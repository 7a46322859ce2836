"""What one gateway process counts of the lanes of a stage: of the canary all, of the stable lane
a control group."""

import logging
import math
import time
from collections import Counter
from collections.abc import Callable
from typing import Final, Self

from cache.keys import EVENTS_STREAM
from cache.watch import StreamWatch
from models.manifest import Manifest
from server.cache_links import CacheLinks
from server.ranked import Ranked
from server.rollout.evidence.answered import answered, shown_scores, slate_of
from server.rollout.evidence.control import Control
from server.rollout.evidence.merging import CANARY, STABLE
from server.rollout.evidence.outcomes import Outcomes, Watch
from server.rollout.guardrails.agreement import Agreement
from server.rollout.guardrails.attribution import Attribution, Held, Outcome
from server.rollout.guardrails.counting import (
    Answer,
    count_answer,
    count_error,
    count_ratio,
    count_scored,
    count_settled,
    count_shadow,
)
from server.rollout.guardrails.sums import Sums
from server.rollout.state import State
from server.stages import StageClock
from server.wire import RankAnswer

AGAIN_S: Final = 5.0
"""Sums that did not change are told again so often: they may not have arrived."""
NOTED: Final = {
    "not_counted": "an answer is not counted",
    "not_shadowed": "a request is not shadowed",
    "not_compared": "a shadowed request is not counted",
    "candidate_failed": "the candidate fails behind requests",
}
log = logging.getLogger(__name__)


class Witness:
    """Of one tally. Nothing that it meets is raised: an answer is never worse for being counted."""

    def __init__(
        self,
        state: State,
        task: str,
        watch: Watch | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`task` is what a click is an event of; without `watch` nothing is known of clicks."""
        self.state = state
        self._task = task
        self._clock = clock
        self._is_canary = state.stage == "canary"
        self.control = Control(state.rollout, state.share)
        self._sums = {STABLE: Sums(), CANARY: Sums()}
        self._changed = dict.fromkeys(self._sums, True)
        self._told_s = clock()
        self._counts: Counter[str] = Counter()
        self.outcomes = None if watch is None else self._outcomes(watch)

    @classmethod
    def of(cls, state: State, manifest: Manifest, links: CacheLinks, gateway: str) -> Self:
        watch = None
        if links.client is not None and _has_labels(state):
            # A name of its own for each: the one before may not have ended yet.
            name = f"{gateway}-{state.tally}".encode()
            watch = StreamWatch(links.client, EVENTS_STREAM, name)
        return cls(state, manifest.tasks[0], watch)

    def tell(self, lane: str, ranked: Ranked, answer: RankAnswer, clock: StageClock) -> None:
        if not self._is_counted(lane, ranked.request.user_id):
            return
        try:
            count_answer(self._sums[lane], answered(ranked, answer, clock))
            self._changed[lane] = True
            held = self._follow(ranked, answer.request_id)
            if held is not None:
                held.scores[lane] = shown_scores(ranked)
        except Exception as error:
            self.note("not_counted", error)

    def failed(self, lane: str, user_id: str) -> None:
        """An answer was due and none was given."""
        if self._is_counted(lane, user_id):
            count_error(self._sums[lane])
            self._changed[lane] = True

    def follow(self, ranked: Ranked, request_id: str) -> Held | None:
        """A shadowed request, to be labelled by what its user does with the stable lane's answer:
        the scores of both lanes go with it. None where there will be no labels."""
        return self._follow(ranked, request_id)

    def shadowed(
        self, stable: Answer | None, canary: Answer | None, agreed: Agreement | None
    ) -> None:
        """What both lanes made of one request; nothing is an error."""
        if agreed is not None:
            count_shadow(self._sums[CANARY], agreed)
        for lane, answer in ((STABLE, stable), (CANARY, canary)):
            if answer is None:
                count_error(self._sums[lane])
            else:
                count_scored(self._sums[lane], answer)
            self._changed[lane] = True
        self._counts["shadowed"] += 1

    def timed(self, ratio: float) -> None:
        """The candidate's model's time for a shadowed request ÷ the stable one's."""
        count_ratio(self._sums[CANARY], ratio)
        self._changed[CANARY] = True

    def passed_over(self) -> None:
        """A shadowed request whose cache could not be read says nothing of a student."""
        self._counts["unread"] += 1

    def encoded(self) -> dict[str, bytes]:
        """By lane, whole and cumulative, of those that changed since the last call."""
        now_s = self._clock()
        if now_s - self._told_s >= AGAIN_S:
            self._told_s = now_s
            self._changed.update({STABLE: True, CANARY: True})
        changed = [lane for lane, has_changed in self._changed.items() if has_changed]
        self._changed.update(dict.fromkeys(changed, False))
        return {lane: self._sums[lane].encode() for lane in changed}

    def counts(self) -> dict[str, int]:
        """What became of answers, labels and shadows, for metrics."""
        return dict(self._counts + (Counter() if self.outcomes is None else self.outcomes.counts))

    async def run(self) -> None:
        """Follows the events, until cancelled; without any to follow it ends at once."""
        if self.outcomes is not None:
            await self.outcomes.run()

    def note(self, what: str, error: Exception) -> None:
        """One of NOTED: once in the log; the number is in the counts."""
        if not self._counts[what]:
            log.error("%s: %s", self.state.tally, NOTED[what], exc_info=error)
        self._counts[what] += 1

    def _is_counted(self, lane: str, user_id: str) -> bool:
        if not self._is_canary:
            return False
        return lane == CANARY or (lane == STABLE and self.control.holds(user_id))

    def _follow(self, ranked: Ranked, request_id: str) -> Held | None:
        """An answer whose scores are of the task that clicks are events of."""
        is_ours = ranked.request.task in (None, self._task) and len(ranked.order.positions)
        if self.outcomes is None or not is_ours:
            return None
        return self.outcomes.show(slate_of(ranked, request_id))

    def _outcomes(self, watch: Watch) -> Outcomes:
        plan = self.state.plan
        attribution = Attribution(
            plan.attribution_s,
            is_all_shown=plan.impressions == "slate",
            lanes=1 if self._is_canary else 2,
        )
        return Outcomes(watch, attribution, self._task, self._settle, self._clock)

    def _settle(self, outcome: Outcome) -> None:
        settled = outcome.settled
        if not math.isfinite(settled.expected + settled.spread + settled.value):
            return  # one such would make the sums unreadable
        count_settled(self._sums[outcome.lane], settled)
        self._changed[outcome.lane] = True


def _has_labels(state: State) -> bool:
    """Shadowed requests have theirs only where the stage lasts until the first are complete."""
    if state.stage == "shadowing":
        return state.plan.shadow_s > state.plan.attribution_s
    return state.stage == "canary"
