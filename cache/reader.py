"""The gateway's read: lenient, within its own time budget, in one round trip."""

import math
from collections import Counter
from typing import Final, Literal, NamedTuple

from cache import page, record
from cache.breaker import CircuitBreaker
from cache.errors import Corrupt, StoreUnavailable
from cache.fair_timeout import FairTimeout
from cache.keys import neighbour_key, page_key, record_key
from cache.page import Page
from cache.patience import Patience
from cache.record import UserRecord
from cache.store import Store

CORRUPT: Final = "corrupt"
Reason = Literal["timeout", "unavailable", "open_breaker", "corrupt"]


class Found(NamedTuple):
    """What could be read in time; `reason` names what could not, None when all went well."""

    page: Page | None
    record: UserRecord | None
    reason: Reason | None
    lent: Page | None = None  # entries of users like this one


class CacheReader:
    """Never raises for a store's sake: whatever fails reads as a miss and counts in `failures`.

    `space` None reads the user record alone, as a student without a teacher needs. A record of
    another log schema than `fingerprint` counts as corrupt: its columns mean something else. With
    `reads_neighbours` what neighbours lend is read with the page, in the same round trip.
    """

    def __init__(
        self,
        store: Store,
        space: str | None,
        timeout_ms: float,
        breaker: CircuitBreaker,
        fingerprint: int | None = None,
        *,
        reads_neighbours: bool = False,
    ) -> None:
        self._store = store
        self._space = space
        self._timeout_s: Final = timeout_ms / 1000.0
        self._patience = Patience(self._timeout_s)
        self._breaker = breaker
        self._fingerprint = fingerprint
        self._reads_neighbours = reads_neighbours and space is not None
        self.failures: Counter[Reason] = Counter()

    async def read(self, user_id: str, left_ms: float = math.inf) -> Found:
        """`left_ms`: what the caller's own deadline leaves, when that is less than the budget."""
        keys = self._keys(user_id)
        breaker = self._breaker.of(keys[0])
        if not breaker.allows():
            return self._missed("open_breaker")
        left_s = max(left_ms, 0.0) / 1000.0
        try:
            values = await self._values(keys, left_s)
        except TimeoutError:
            # A caller in a hurry proves nothing about the server.
            if left_s >= self._timeout_s:
                breaker.failed()
            return self._missed("timeout")
        except StoreUnavailable:
            breaker.failed()
            return self._missed("unavailable")
        breaker.succeeded()
        return self._found(values)

    async def _values(self, keys: list[bytes], left_s: float) -> list[bytes | None]:
        if left_s >= self._timeout_s:
            with self._patience.wait():
                return await self._store.get_many(keys)
        async with FairTimeout(left_s):
            return await self._store.get_many(keys)

    def _keys(self, user_id: str) -> list[bytes]:
        if self._space is None:
            return [record_key(user_id)]
        if not self._reads_neighbours:
            return [record_key(user_id), page_key(user_id, self._space)]
        space = self._space
        return [record_key(user_id), page_key(user_id, space), neighbour_key(user_id, space)]

    def _missed(self, reason: Reason) -> Found:
        self.failures[reason] += 1
        return Found(None, None, reason)

    def _found(self, values: list[bytes | None]) -> Found:
        """One damaged value does not take the others with it."""
        held_record, held_page = values[:2] if len(values) > 1 else (values[0], None)
        decoded_record, decoded_page, lent, is_whole = None, None, None, True
        try:
            decoded_record = self._record(held_record)
        except Corrupt:
            is_whole = False
        try:
            decoded_page = None if held_page is None else page.decode(held_page)
        except Corrupt:
            is_whole = False
        if self._reads_neighbours:
            try:
                lent = None if values[2] is None else page.decode(values[2])
            except Corrupt:
                is_whole = False
        if is_whole:
            return Found(decoded_page, decoded_record, None, lent)
        self.failures[CORRUPT] += 1
        return Found(decoded_page, decoded_record, CORRUPT, lent)

    def _record(self, value: bytes | None) -> UserRecord | None:
        if value is None:
            return None
        decoded = record.decode(value)
        if self._fingerprint is not None and decoded.fingerprint != self._fingerprint:
            raise Corrupt("the record follows another log schema")
        return decoded
