"""A block's rows → pages, as a refresher would have written them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np
import polars as pl

from cache import record
from cache.arrays import Mask
from cache.clock import wall_clock_ms
from cache.demand import Demand
from cache.errors import RecordCorrupt
from cache.keys import record_key
from cache.record import UserRecord
from cache.refresh.backfill.errors import PagesContended
from cache.refresh.backfill.policies import Asked, Policy
from cache.refresh.backfill.users import USER
from cache.refresh.follower import ItemFollower
from cache.refresh.hand import MAX_USERS, InHand
from cache.refresh.teacher import Teacher
from cache.refresh.worker import Refresher, Verdict
from cache.stamp import MAX_STAMP
from cache.store import Store
from models.features.catalogue_view import View

BATCH_PAIRS: Final = 8192
"""Of one round trip and of one memory of answers."""
ROUNDS: Final = 10
"""Of as many attempts as a page writer makes, before it is said that a page cannot be written."""

Pairs = Counter[str]
"""By what became of them."""


class Filler:
    """`refresher` must not skip what its clock says waited: messages here wait for nobody."""

    def __init__(
        self,
        store: Store,
        teacher: Teacher,
        refresher: Refresher,
        policy: Policy,
        *,
        follower: ItemFollower | None = None,
        as_of_ms: int | None = None,
        clock_ms: Callable[[], int] = wall_clock_ms,
    ) -> None:
        self._store = store
        self._teacher = teacher
        self._refresher = refresher
        self._policy = policy
        self._follower = follower
        self._as_of_ms = as_of_ms
        self._clock_ms = clock_ms

    async def fill(self, rows: pl.DataFrame) -> Pairs:
        """Raises StoreUnavailable, after which it may be tried again, and PagesContended."""
        if self._follower is not None:
            await self._follower.catch_up()
        at_ms = self._clock_ms() if self._as_of_ms is None else self._as_of_ms
        asked = self._policy.asked(rows, await self._records(rows))
        pairs: Pairs = Counter()
        for batch in batches(self._shown(asked, pairs)):
            pairs.update(await self._answered([_in_hand(each, at_ms) for each in batch]))
        return pairs

    async def _records(self, rows: pl.DataFrame) -> Mapping[str, UserRecord | None]:
        if not self._policy.reads_records:
            return {}
        users = rows[USER].unique(maintain_order=True).to_list()
        values = await self._store.get_many([record_key(user) for user in users])
        return {user: _decoded(value) for user, value in zip(users, values, strict=True)}

    def _shown(self, asked: Iterable[Asked], pairs: Pairs) -> Iterator[Asked]:
        """Without items that are paused, removed or in no catalogue, which are counted: the word
        on a stranger would be read of the item that it turns out to be."""
        view = self._teacher.items.view
        for each in asked:
            is_unknown, is_withdrawn = _left_out(view, each)
            pairs["unknown"] += int(is_unknown.sum())
            pairs["withdrawn"] += int(is_withdrawn.sum())
            keys = each.item_keys[~(is_unknown | is_withdrawn)]
            if len(keys):
                yield each._replace(item_keys=keys)

    async def _answered(self, batch: Sequence[InHand]) -> Pairs:
        verdict = await self._refresher.judge(await self._refresher.plan(batch))
        await self._write(_under_own_fences(verdict))
        return _summed(verdict)

    async def _write(self, verdict: Verdict) -> None:
        for _ in range(ROUNDS):
            unwritten = await self._refresher.write(verdict)
            if not unwritten:
                return
            verdict = verdict.of_users(unwritten)
        raise PagesContended(
            f"the page of user {min(verdict.fresh)!r} changed at every attempt to write it: "
            "look who else writes to this space, then run the same command again"
        )


def batches(asked: Iterable[Asked], pairs: int = BATCH_PAIRS) -> Iterator[list[Asked]]:
    """In order, of at most `pairs` pairs (one that is larger alone) and MAX_USERS users."""
    batch: list[Asked] = []
    held, users = 0, set[str]()
    for each in asked:
        is_full = held + len(each.item_keys) > pairs or len(users | {each.user_id}) > MAX_USERS
        if batch and is_full:
            yield batch
            batch, held, users = [], 0, set()
        batch.append(each)
        held += len(each.item_keys)
        users.add(each.user_id)
    if batch:
        yield batch


def _left_out(view: View, asked: Asked) -> tuple[Mask, Mask]:
    rows = view.rows(asked.item_keys)
    is_unknown: Mask = rows == view.unknown
    return is_unknown, view.withdrawn(rows) & ~is_unknown


def _in_hand(asked: Asked, at_ms: int) -> InHand:
    """The token is above every fence: whose page it is, is for the store to say."""
    demand = Demand(
        asked.user_id,
        at_ms,
        asked.context.keys,
        asked.context.numbers,
        asked.item_keys,
        np.zeros(len(asked.item_keys), np.float32),
    )
    return InHand(0, MAX_STAMP, b"0-0", b"", demand, 0, 0.0)


def _under_own_fences(verdict: Verdict) -> Verdict:
    """A backfill holds no lease: it writes each page under the fence that the page has."""
    fresh = {user: said._replace(fence=None) for user, said in verdict.fresh.items()}
    return verdict._replace(fresh=fresh)


def _summed(verdict: Verdict) -> Pairs:
    total: Pairs = Counter()
    for outcomes in verdict.outcomes:
        total.update({outcome.value: count for outcome, count in outcomes.items()})
    return total


def _decoded(value: bytes | None) -> UserRecord | None:
    try:
        return None if value is None else record.decode(value)
    except RecordCorrupt:
        return None
