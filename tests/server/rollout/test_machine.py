"""Whatever is done and told, in whatever order, the state stays within the machine."""

from contextlib import suppress
from typing import Any, Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from cache.standing import Standing
from server.rollout.acts import ACTS, Asked, Now, changed
from server.rollout.candidate import Candidate
from server.rollout.decision import Evidence, decide
from server.rollout.errors import ActRefused
from server.rollout.guardrails.layout import NAN
from server.rollout.guardrails.sums import Sums
from server.rollout.plan import DEFAULT, DIRECT, RolloutPlan
from server.rollout.state import State
from tests.server.rollout.guardrails.counted import counted
from tests.server.rollout.states import FILLED, NOW_MS, REVISION, presence

PLANS: Final = (DEFAULT, DIRECT, RolloutPlan(steps=(0.2, 1.0), least_s=0.0, most_s=100.0))
STABLE: Final = counted(requests=30_000, seed=1)
NANS: Final = counted(requests=40)
NANS.one(NAN)[...] = 40.0
CANARIES: Final = {
    "none": Sums(),
    "few": counted(requests=300),
    "like it": counted(requests=20_000),
    "clickless": counted(requests=20_000, ctr=0.1),
    "nans": NANS,
}
NEXT: Final[dict[str, tuple[str, ...]]] = {
    "idle": ("verifying",),
    "verifying": ("verifying", "shadowing", "rolled_back"),
    "shadowing": ("shadowing", "canary", "rolled_back"),
    "canary": ("canary", "done", "rolled_back"),
    "done": ("rolled_back", "verifying"),
    "rolled_back": ("verifying",),
}


class Rollouts(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.state = State()
        self.now_ms = NOW_MS
        self.since_ms = NOW_MS

    @rule(
        name=st.sampled_from(ACTS),
        to=st.sampled_from(["/a", "/b", "/c"]),
        plan=st.sampled_from(PLANS),
    )
    def act(self, name: Any, to: str, plan: RolloutPlan) -> None:
        asked = Asked(name, "x@y", to=Candidate(to, "student", to * 6), plan=plan)
        with suppress(ActRefused):
            self.change(changed(self.state, asked, Now("student", self.now_ms)), asked)

    @rule()
    def promote_to_the_end(self) -> None:
        was_open = self.state.stage in ("shadowing", "canary")
        asked = Asked("promote", "x@y", is_to_the_end=True)
        try:
            after = changed(self.state, asked, Now("student", self.now_ms))
        except ActRefused:
            assert not was_open
            return
        assert was_open
        assert after.stage == "done"
        self.state, self.since_ms = after, self.now_ms

    @rule(
        later_s=st.sampled_from([0.0, 1.0, 61.0, 1201.0, 90_000.0]),
        candidate_state=st.sampled_from(["opening", "warm", "warm", "warm", "failed"]),
        is_filled=st.booleans(),
        fills=st.booleans(),
        canary=st.sampled_from(sorted(CANARIES)),
    )
    def tell(
        self, later_s: float, candidate_state: str, is_filled: bool, fills: bool, canary: str
    ) -> None:
        self.now_ms += round(later_s * 1000)
        told = presence(
            seen_ms=self.now_ms,
            candidate=self.state.candidate,
            candidate_state=candidate_state,
            fills=fills,
        )
        evidence = Evidence(
            revision=REVISION,
            since_ms=self.since_ms,
            now_ms=self.now_ms,
            fleet={"g": told},
            window=FILLED if is_filled else Standing(),
            stable=STABLE,
            canary=CANARIES[canary],
        )
        decided = decide(self.state, evidence)
        if decided is None:
            assert candidate_state != "failed" or not self.state.is_running
            return
        assert self.state.is_running  # what is over stays so
        if self.state.is_paused:
            assert decided.state.stage == "rolled_back"
        if canary == "nans" and self.state.stage in ("shadowing", "canary"):
            assert decided.state.stage == "rolled_back"
        self.change(decided.state, None)

    def change(self, after: State, asked: Asked | None) -> None:
        before = self.state
        assert after.stage in NEXT[before.stage]
        if before.stage in ("idle", "rolled_back"):
            assert asked is not None
            assert asked.act == "start"
        self.check_share(before, after)
        self.check_answerer(before, after)
        self.state, self.since_ms = after, self.now_ms

    def check_share(self, before: State, after: State) -> None:
        if after.stage == before.stage == "canary":
            assert after.step - before.step in (0, 1)
        elif after.stage == "canary":
            assert after.step == 0
        elif after.stage == "done":
            assert before.plan.is_last(before.step)

    def check_answerer(self, before: State, after: State) -> None:
        if after.stage == "done":
            assert (after.stable, after.previous) == (before.candidate, before.stable)
        elif before.stage == "done" and after.stage == "rolled_back":
            assert after.stable == before.previous
        else:
            assert after.stable == before.stable

    @invariant()
    def state_can_be_written_and_read(self) -> None:
        assert State.decode(self.state.encode()) == self.state
        assert self.state.is_running or not self.state.is_paused
        assert (self.state.share > 0.0) == (self.state.stage == "canary")


Rollouts.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestRollouts = Rollouts.TestCase
