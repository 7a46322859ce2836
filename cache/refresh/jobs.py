"""What is left for the teacher of a batch of demand, and what the rest of it came to."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from cache.account import Outcome
from cache.arrays import I64, U64, Mask
from cache.demand import Demand
from cache.keys import pair_keys
from cache.page import Page
from cache.recent import RecentPairs
from cache.record import UserRecord
from cache.refresh.hand import InHand
from cache.refresh.pages import HeldPage
from cache.refresh.stacked import Wanted
from cache.sequence import Impressions, unspoken

Outcomes = Counter[Outcome]
"""Pairs of one message."""
_NONE: Final = np.zeros(0, np.uint64)


class User(NamedTuple):
    state: UserRecord
    held: HeldPage


class Job(NamedTuple):
    """What is left of one message, and past impressions to speak of."""

    position: int  # of the message in the batch
    user_id: str
    pair_keys: U64  # [P] of the first items wanted
    past_ms: I64  # [K] times of the impressions, which are the last items wanted
    wanted: Wanted


class Plan(NamedTuple):
    batch: Sequence[InHand]
    users: Mapping[str, User]
    outcomes: Sequence[Outcomes]  # of each message, as far as they are known without the teacher
    jobs: Sequence[Job]


class Planner:
    """Remembers for `window_s`, in the time that demand is asked for, what was judged."""

    def __init__(
        self, *, soft_s: float, past_limit: int, past_since_ms: int, window_s: float
    ) -> None:
        self._soft_ms = soft_s * 1000
        self._past_limit = past_limit
        self._past_since_ms = past_since_ms
        self._recent = RecentPairs(window_s)

    def plan(
        self, batch: Sequence[InHand], at_ms: Sequence[int], users: Mapping[str, User]
    ) -> Plan:
        """`at_ms`: as of when each message is to be answered."""
        planned: dict[str, U64] = {}
        told = [
            self._message(position, message, at_ms[position], users, planned)
            for position, message in enumerate(batch)
        ]
        jobs = [job for _, job in told if job is not None]
        return Plan(batch, users, [outcomes for outcomes, _ in told], jobs)

    def _message(
        self,
        position: int,
        message: InHand,
        at_ms: int,
        users: Mapping[str, User],
        planned: dict[str, U64],
    ) -> tuple[Outcomes, Job | None]:
        """Adds to `planned`, by user, what the batch asks the teacher for."""
        asked, user = message.demand, users[message.demand.user_id]
        if user.held.stamp.fence > message.token:
            return Counter({Outcome.FENCED: message.pairs}), None
        pairs = pair_keys(asked.item_keys, asked.context)
        before = planned.get(asked.user_id)
        fresh = self._is_fresh(user.held.page, pairs, at_ms)
        repeated = self._is_repeated(message, user.held, pairs, at_ms, before) & ~fresh
        is_new = ~(fresh | repeated)
        outcomes = Counter(
            {Outcome.FRESH: int(fresh.sum()), Outcome.DUPLICATE: int(repeated.sum())}
        )
        if not is_new.any():
            return outcomes, None
        planned[asked.user_id] = np.append(_NONE if before is None else before, pairs[is_new])
        # Another message of the batch may have spoken of the past already.
        past = self._unspoken(user, at_ms if before is None else 0)
        return outcomes, _job(position, asked, user.state, at_ms, pairs[is_new], is_new, past)

    def remember(self, plan: Plan) -> None:
        """That the pairs of its jobs were judged."""
        for job in plan.jobs:
            name = _name_of(plan.batch[job.position])
            self._recent.remember(name, job.pair_keys, job.wanted.at_ms / 1000.0)

    def _is_repeated(
        self, message: InHand, held: HeldPage, pairs: U64, at_ms: int, before: U64 | None
    ) -> Mask:
        seen = self._recent.seen(_name_of(message), pairs, at_ms / 1000.0)
        seen &= not held.is_damaged
        return seen if before is None else seen | np.isin(pairs, before)

    def _is_fresh(self, page: Page | None, pairs: U64, at_ms: int) -> Mask:
        if page is None or not len(page.pair_keys):
            return np.zeros(len(pairs), np.bool_)
        rows = np.searchsorted(page.pair_keys, pairs)
        rows[rows == len(page.pair_keys)] = 0
        age_ms = at_ms - page.computed_at_ms()[rows]
        fresh: Mask = (page.pair_keys[rows] == pairs) & (age_ms <= self._soft_ms)
        return fresh

    def _unspoken(self, user: User, until_ms: int) -> Impressions:
        state, page = user.state, user.held.page
        until = int(np.searchsorted(state.times_ms, until_ms))
        past = Impressions(state.items[:until], state.times_ms[:until])
        return unspoken(
            past, page and page.sequence, since_ms=self._past_since_ms, limit=self._past_limit
        )


def _name_of(message: InHand) -> str:
    """What was judged under an earlier lease may be lost with a server, or another's to say."""
    return f"{message.token} {message.demand.user_id}"


def _job(
    position: int,
    asked: Demand,
    state: UserRecord,
    at_ms: int,
    pairs: U64,
    is_new: Mask,
    past: Impressions,
) -> Job:
    items = np.concatenate([asked.item_keys[is_new], past.items])
    wanted = Wanted(state, at_ms, asked.context, asked.context_numbers, items)
    return Job(position, asked.user_id, pairs, past.at_ms, wanted)
