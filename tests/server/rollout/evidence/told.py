"""Answers as a gateway tells of them, and a stream of events without a server."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from cache import events
from cache.errors import StoreUnavailable
from cache.events import Event
from cache.streams import Message
from models.features.hashing import keys64
from models.schema import TIERS
from server.assembly import Assembled
from server.candidates import CandidateColumns
from server.columns import Row
from server.ranked import Ranked, Scored
from server.rollout.evidence.witness import Witness
from server.rollout.guardrails.layout import ANSWERED
from server.rollout.guardrails.sums import Sums
from server.rollout.plan import RolloutPlan
from server.rollout.state import State
from server.slate import Order
from server.stages import StageClock
from server.summary import Summary
from server.wire import Coverage, Degraded, RankAnswer, RankRequest

WINDOW_S = 600.0
NONE_UNKNOWN = Row(np.zeros((1, 0), np.uint64), np.zeros((1, 0), np.float32), False)


class FakeWatch:
    """`lose` drops what was appended and not read, as trimming does."""

    def __init__(self) -> None:
        self.is_away = False
        self._messages: list[Message] = []
        self._appended = 0
        self.begun = 0

    def append(self, *told: Event, body: bytes | None = None) -> None:
        self._appended += 1
        self._messages.append(Message(b"", events.encode(told) if body is None else body))

    def lose(self) -> None:
        self._messages.clear()

    async def begin(self) -> None:
        self._check()
        self.begun += 1
        self._messages.clear()

    async def read(self, count: int, block_ms: int) -> list[Message]:
        self._check()
        read, self._messages = self._messages[:count], self._messages[count:]
        return read

    async def appended(self) -> int:
        self._check()
        return self._appended

    async def end(self) -> None:
        self._check()

    def _check(self) -> None:
        if self.is_away:
            raise StoreUnavailable("away")


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def state_of(stage: Any = "canary", share: float = 0.5, **plan: Any) -> State:
    steps = (share, 1.0) if share < 1.0 else (1.0,)
    given = {"attribution_s": WINDOW_S, "impressions": "slate"} | plan
    return State(stage=stage, rollout="r-1", plan=RolloutPlan(steps=steps, **given))


def ranked_of(
    user_id: str = "u",
    items: Sequence[str] = ("a", "b"),
    scores: Sequence[float] = (0.5, 0.25),
    *,
    at_ms: int = 0,
    bids: Sequence[float] | None = None,
    reason: str | None = None,
    slate: int | None = None,
    pairs: int = 0,
    task: str | None = None,
) -> Ranked:
    """`slate` items are answered, the best first."""
    p, nothing = np.array(scores, np.float64), np.zeros((len(items), 2))
    values = p if bids is None else p * np.array(bids)
    none: Any = None
    by_tier = [len(items) - pairs, *[0] * (len(TIERS) - 2), pairs]
    summary = Summary(len(items), by_tier, 10.0 * pairs, 0, 0)
    known = np.ones(len(items), np.bool_)
    return Ranked(
        now_ms=at_ms,
        request=RankRequest(user_id=user_id, item_ids=list(items), task=task),
        columns=CandidateColumns(list(items), None if bids is None else np.array(bids), [], False),
        context=NONE_UNKNOWN,
        cache_reason=None,
        assembled=Assembled(keys64(items), known, nothing, None, summary),
        scored=Scored(p, reason),
        order=Order(np.argsort(-values, kind="stable")[:slate], values),
        inputs=none,
        unavailable=[],
    )


def answer_of(ranked: Ranked, degraded: Sequence[Degraded] = (), number: int = 0) -> RankAnswer:
    ids = [ranked.columns.item_ids[place] for place in ranked.order.positions.tolist()]
    request_id = f"{ranked.request.user_id}-{ranked.now_ms}-{number}"
    none = Coverage(0.0, 0.0, 0.0, 0.0, 1.0)
    return RankAnswer(request_id, "m", "v", "stable", ids, [], none, None, list(degraded))


def tell(witness: Witness, lane: str, ranked: Ranked, *degraded: Degraded, number: int = 0) -> None:
    clock = StageClock()
    clock.mark("encode")
    # Of one length for all: what the machine takes is not what is compared.
    clock.spent_ns["inference"] = 1_000_000
    clock.started_ns = clock._last_ns - 5_000_000
    witness.tell(lane, ranked, answer_of(ranked, degraded, number), clock)


def sums_of(witness: Witness, lane: str) -> Sums:
    return witness._sums[lane]


def answers_in(sums: Sums) -> float:
    return float(sums.grouped(ANSWERED).sum())


def event(kind: str, item: str, at_ms: int = 1, user: str = "u", request_id: str = "") -> Event:
    return Event(f"{kind}-{item}-{at_ms}", kind, user, item, at_ms, request_id)


def users_of(witness: Witness, count: int, *, is_control: bool = True) -> list[str]:
    names = (f"user-{number}" for number in range(100_000))
    found = (name for name in names if witness.control.holds(name) == is_control)
    return [name for name, _ in zip(found, range(count), strict=False)]
