"""One process's store, with the time given: for tests and for reading the contract."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from cache.stamp import stamp_of
from cache.store import Replacement


class _Held(NamedTuple):
    value: bytes
    expires_at: float


class MemoryStore:
    """`clock` counts seconds. Not bounded: expired values leave when they are asked for."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._values: dict[bytes, _Held] = {}

    async def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        return [self._live(key) for key in keys]

    async def put_many(self, values: Mapping[bytes, bytes], ttl_s: float | None) -> None:
        expires_at = self._expiry(ttl_s)
        self._values.update({key: _Held(value, expires_at) for key, value in values.items()})

    async def replace(
        self, key: bytes, value: bytes, *, expected_version: int, fence: int, ttl_s: float | None
    ) -> bool:
        return self._replace(Replacement(key, value, expected_version, fence), ttl_s)

    async def replace_many(
        self, replacements: Sequence[Replacement], ttl_s: float | None
    ) -> list[bool]:
        return [self._replace(replacement, ttl_s) for replacement in replacements]

    async def ping(self) -> None:
        pass

    async def close(self) -> None:
        self._values.clear()

    def _replace(self, replacement: Replacement, ttl_s: float | None) -> bool:
        held = stamp_of(self._live(replacement.key))
        if held.version != replacement.expected_version or held.fence > replacement.fence:
            return False
        self._values[replacement.key] = _Held(replacement.value, self._expiry(ttl_s))
        return True

    def _live(self, key: bytes) -> bytes | None:
        held = self._values.get(key)
        if held is None:
            return None
        if held.expires_at <= self._clock():
            del self._values[key]
            return None
        return held.value

    def _expiry(self, ttl_s: float | None) -> float:
        return float("inf") if ttl_s is None else self._clock() + ttl_s
