"""Small values by field under one key: the seam to a Redis hash."""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple, Protocol


class Change(NamedTuple):
    """`new` takes the field if it still holds `old` (None: absent)."""

    field: bytes
    old: bytes | None
    new: bytes


class Table(Protocol):
    """Every call may raise StoreUnavailable."""

    async def read(self, key: bytes, fields: Sequence[bytes]) -> list[bytes | None]: ...

    def scan(self, key: bytes) -> AsyncIterator[dict[bytes, bytes]]:
        """All fields in parts; one changed meanwhile is given with either value, maybe twice."""
        ...

    async def change(self, key: bytes, changes: Sequence[Change]) -> list[bool]:
        """Each on its own, in one round trip; False where `old` no longer held."""
        ...
