"""`python -m server.rollout.evidence.cost`: what counting costs a request, as a table."""

from collections.abc import Callable, Sequence
from itertools import count
from time import thread_time
from typing import Annotated, Any, Final

import numpy as np
import typer

from cache.bench.printed import say, table
from cache.streams import Message
from models.features.hashing import keys64
from models.schema import TIERS
from server.assembly import Assembled
from server.candidates import CandidateColumns
from server.columns import Row
from server.ranked import Ranked, Scored
from server.rollout.evidence.merging import CANARY, STABLE
from server.rollout.evidence.witness import Witness
from server.rollout.plan import RolloutPlan
from server.rollout.state import State
from server.slate import Order
from server.stages import STAGES, StageClock
from server.summary import Summary
from server.wire import Coverage, RankAnswer, RankRequest

SHARE: Final = 0.25
ALL_SHOWN: Final = RolloutPlan(steps=(SHARE, 1.0), impressions="slate")

Step = Callable[[], object]


def cost(
    candidates: Annotated[int, typer.Option(help="Of a request, all answered.", min=1)] = 200,
    calls: Annotated[int, typer.Option(help="Of each in a round.", min=10)] = 2000,
    rounds: Annotated[int, typer.Option(help="The best counts.", min=1)] = 9,
) -> None:
    """Print µs of processor time by what is done for a request."""
    say(f"{candidates} candidates; best of {rounds} rounds of {calls} calls, µs of processor time")
    steps = _steps(candidates, calls)
    best = dict.fromkeys(steps, float("inf"))
    for _ in range(rounds):
        for name, make in steps.items():
            best[name] = min(best[name], _mean_us(make(), calls))
    table(["", "µs"], [[name, f"{took_us:.2f}"] for name, took_us in best.items()])


def _steps(candidates: int, calls: int) -> dict[str, Callable[[], Step]]:
    """Makers of a step, each with a witness of its own: none is full before another."""
    inside, outside = _users(calls, is_counted=True), _users(calls, is_counted=False)
    counted, passed = ([_answer(user, candidates) for user in users] for users in (inside, outside))
    return {
        "canary, counted, labels waited for": lambda: _telling(CANARY, counted),
        "stable, control group, the same": lambda: _telling(STABLE, counted),
        "canary, counted, no labels": lambda: _telling(CANARY, counted, has_labels=False),
        "stable, not counted": lambda: _telling(STABLE, passed),
        "an answer settled": lambda: _settling(counted),
        "encoding both sums": lambda: _encoding(counted),
    }


def _telling(
    lane: str, told: Sequence[tuple[Ranked, RankAnswer]], *, has_labels: bool = True
) -> Step:
    witness, clock, places = _witness(has_labels), _clock(), count()
    tell, number = witness.tell, len(told)

    def step() -> None:
        ranked, answer = told[next(places) % number]
        tell(lane, ranked, answer, clock)

    return step


def _settling(told: Sequence[tuple[Ranked, RankAnswer]]) -> Step:
    now_s = [0.0]
    witness = Witness(_state(), "click", _NoEvents(), lambda: now_s[0])
    outcomes, clock = witness.outcomes, _clock()
    assert outcomes is not None
    outcomes.is_following = True
    for ranked, answer in told:
        witness.tell(CANARY, ranked, answer, clock)
    now_s[0] = 1e6
    return lambda: outcomes.settle(1)


def _encoding(told: Sequence[tuple[Ranked, RankAnswer]]) -> Step:
    witness, clock = _witness(has_labels=False), _clock()
    ranked, answer = told[0]

    def step() -> None:
        for lane in (STABLE, CANARY):
            witness.tell(lane, ranked, answer, clock)
        witness.encoded()

    return step


def _witness(has_labels: bool) -> Witness:
    witness = Witness(_state(), "click", _NoEvents() if has_labels else None)
    if witness.outcomes is not None:
        witness.outcomes.is_following = True
    return witness


def _state() -> State:
    return State(stage="canary", rollout="cost", plan=ALL_SHOWN)


def _users(number: int, *, is_counted: bool) -> list[str]:
    """Of the stable lane, in the control group or not."""
    control = _witness(has_labels=False).control
    users: list[str] = []
    for at in count():
        user = f"user-{at}"
        if control.holds(user) == is_counted:
            users.append(user)
        if len(users) == number:
            return users
    raise AssertionError


def _answer(user_id: str, number: int) -> tuple[Ranked, RankAnswer]:
    rng = np.random.default_rng(len(user_id))
    ids = [f"item-{place}" for place in range(number)]
    scores = rng.random(number) * 0.1
    order = np.argsort(-scores)
    pairs = number // 2
    summary = Summary(number, [number - pairs, *[0] * (len(TIERS) - 2), pairs], 50.0 * pairs, 0, 0)
    nothing: Any = None
    known, counters = np.ones(number, np.bool_), np.zeros((number, 2))
    assembled = Assembled(keys64(ids), known, counters, None, summary)
    ranked = Ranked(
        0, RankRequest(user_id=user_id, item_ids=ids), CandidateColumns(ids, None, [], False),
        Row(np.zeros((1, 0), np.uint64), np.zeros((1, 0), np.float32), False), None, assembled,
        Scored(scores, None), Order(order, scores), nothing, [],
    )  # fmt: skip
    answer = RankAnswer(
        f"{user_id}-request", "model", "version", STABLE, [ids[at] for at in order],
        scores[order].tolist(), Coverage(0.5, 0.0, 0.0, 0.0, 0.5), 50.0, [],
    )  # fmt: skip
    return ranked, answer


def _clock() -> StageClock:
    clock = StageClock()
    for stage in STAGES:
        clock.mark(stage)
    return clock


def _mean_us(step: Step, calls: int) -> float:
    began = thread_time()
    for _ in range(calls):
        step()
    return (thread_time() - began) / calls * 1e6


class _NoEvents:
    async def begin(self) -> None: ...

    async def read(self, count: int, block_ms: int) -> list[Message]:
        return []

    async def appended(self) -> int:
        return 0

    async def end(self) -> None: ...


if __name__ == "__main__":
    typer.run(cost)
