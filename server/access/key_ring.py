"""The keys of a file, found by what a request shows."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from time import monotonic

from starlette.types import Scope

from server.access.keys_file import Key
from server.access.quota import Quota
from server.bearer import credentials
from server.errors import QuotaExceeded, Unauthorized
from server.wire import LOW


@dataclass(frozen=True, slots=True)
class Holder:
    """Whoever shows a key."""

    key: Key
    quota: Quota | None

    @property
    def is_low(self) -> bool:
        return self.key.priority == LOW

    def over_quota_s(self, candidates: int) -> float:
        """0 within the quota; else the time until they would be."""
        return 0.0 if self.quota is None else self.quota.wait_s(candidates)

    def exceeded(self, candidates: int, wait_s: float) -> QuotaExceeded:
        return QuotaExceeded(
            f"key {self.key.name} may rank {self.key.candidates_per_s:g} candidates a second, and "
            f"{candidates} more are too many now",
            remedy="retry after the time in Retry-After, or ask for a larger quota",
            retry_after_s=max(1, math.ceil(wait_s)),
        )


class KeyRing:
    """Found by the digest of the secret: how long that takes says nothing of any secret."""

    def __init__(self, clock_s: Callable[[], float] = monotonic) -> None:
        self._clock_s = clock_s
        self._holders: dict[bytes, Holder] = {}

    def take(self, keys: Sequence[Key]) -> None:
        """In place of those before. A key whose limits stay keeps its bucket as it is."""
        held = {holder.key.name: holder for holder in self._holders.values()}
        self._holders = {
            bytes.fromhex(key.sha256): Holder(key, self._quota(key, held.get(key.name)))
            for key in keys
        }

    def holder(self, scope: Scope) -> Holder:
        """Raises Unauthorized."""
        given = credentials(scope, "send `Authorization: Bearer` with a key of this gateway")
        holder = self._holders.get(sha256(given).digest())
        if holder is None:
            raise Unauthorized(
                "the bearer token is no key of this gateway",
                field="Authorization",
                remedy="send a key whose digest stands in the file of UNDERSTUDY_KEYS",
            )
        return holder

    def _quota(self, key: Key, before: Holder | None) -> Quota | None:
        if key.candidates_per_s is None:
            return None
        rate = key.candidates_per_s
        burst = key.burst_candidates or rate
        quota = None if before is None else before.quota
        if quota is not None and (quota.rate_per_s, quota.burst) == (rate, burst):
            return quota
        return Quota(rate, burst, self._clock_s)
