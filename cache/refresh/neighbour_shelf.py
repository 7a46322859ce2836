"""What the pages of a space hold, of a bounded number of users: what neighbours lend from."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from redis.asyncio import Redis

from cache import page
from cache.arrays import F32, I8, I64, U64
from cache.entries import Entries
from cache.errors import PageCorrupt
from cache.keys import page_key, page_name, page_pattern
from cache.operator.key_listing import listed
from cache.quantise import Precision, restored
from cache.store import Store

PAGES_AT_ONCE: Final = 100


class Width(NamedTuple):
    """Of the entries that the student reads; a page of another is no page."""

    dim: int
    tasks: int


class UserEntries(NamedTuple):
    user_id: str
    entries: Entries  # as int8


class Shelf(NamedTuple):
    """E entries of U users, one user's after another's."""

    users: Sequence[str]
    starts: I64  # [U + 1]
    pair_keys: U64  # [E]
    at_ms: I64  # [E]
    logit: F32  # [E, T]
    scale: F32  # [E]
    codes: I8  # [E, d]

    @classmethod
    def of(cls, held: Sequence[UserEntries], width: Width, hard_ttl_s: float) -> Self:
        """Those alive at the newest word of them all, which is the time of the shelf."""
        held = [UserEntries("", _nothing(width)), *held]
        newest_ms = max(int(each.entries.computed_at_ms.max(initial=0)) for each in held)
        since_ms = newest_ms - round(hard_ttl_s * 1000)
        alive = [_since(each.entries, since_ms) for each in held]
        kept = [position for position, each in enumerate(alive) if len(each.pair_keys)]
        columns: Any = zip(*(each[:-1] for each in alive), strict=True)
        keys, at_ms, logit, scale, codes = map(np.concatenate, columns)
        starts = np.cumsum([0, *(len(alive[position].pair_keys) for position in kept)])
        users = [held[position].user_id for position in kept]
        return cls(users, starts, keys, at_ms, logit, scale, codes)

    @property
    def now_ms(self) -> int:
        return int(self.at_ms.max(initial=0))

    def of_user(self, user: int) -> slice:
        return slice(int(self.starts[user]), int(self.starts[user + 1]))

    def z(self, rows: NDArray[Any] | slice) -> F32:
        return restored(self.codes[rows], self.scale[rows])

    def means(self) -> F32:
        """`[U, d]`."""
        means = np.zeros((len(self.users), self.codes.shape[1]), np.float32)
        for user in range(len(self.users)):
            means[user] = self.z(self.of_user(user)).mean(axis=0, dtype=np.float64)
        return means


class Gathered(NamedTuple):
    held: list[UserEntries]
    left_out: int  # pages past the bound


async def gathered(
    client: Redis, store: Store, space: str, width: Width, max_users: int
) -> Gathered:
    """Of the first `max_users` pages of a walk, which follows the server's hash of keys, so they
    are as good as drawn. Raises StoreUnavailable."""
    held: dict[str, UserEntries] = {}
    left_out = 0
    async for user_ids in _users(client, space):
        # A walk may come by a key twice.
        new = [user for user in dict.fromkeys(user_ids) if user not in held]
        wanted = new[: max(max_users - len(held), 0)]
        left_out += len(new) - len(wanted)
        for first in range(0, len(wanted), PAGES_AT_ONCE):
            part = wanted[first : first + PAGES_AT_ONCE]
            values = await store.get_many([page_key(user, space) for user in part])
            for user, value in zip(part, values, strict=True):
                held[user] = UserEntries(user, _entries(value, width))
    return Gathered([*held.values()], left_out)


async def _users(client: Redis, space: str) -> AsyncIterator[list[str]]:
    async for keys in listed(client, page_pattern(space=space)):
        names = [page_name(key) for key in keys]
        yield [name.user_id for name in names if name is not None and name.space == space]


def _entries(value: bytes | None, width: Width) -> Entries:
    """None of a page that is damaged, or of another width."""
    try:
        held = None if value is None else page.decode(value)
    except PageCorrupt:
        held = None
    if held is None or (held.dim, held.tasks) != width:
        return _nothing(width)
    return held.entries().held_in(Precision.INT8)


def _nothing(width: Width) -> Entries:
    nobody = np.zeros(0, np.uint64)
    z, logit = np.zeros((0, width.dim), np.float32), np.zeros((0, width.tasks), np.float32)
    return Entries.of(nobody, np.zeros(0, np.int64), logit, z, Precision.INT8)


def _since(entries: Entries, since_ms: int) -> Entries:
    return entries.taken(entries.computed_at_ms >= since_ms)
