"""What a process tails: a table as it stands, then every change to it."""

from collections.abc import AsyncIterator
from typing import Protocol, TypeVar

from cache.errors import CacheError

T_co = TypeVar("T_co", covariant=True)


class ChangesMissed(CacheError):
    """The stream no longer holds all that came since the last read: begin with the table again."""


class Feed(Protocol[T_co]):
    """`last_id`, then `parts`, then `follow` for ever; every call may raise StoreUnavailable."""

    async def last_id(self) -> bytes:
        """To be asked before the parts, so that no change falls between the two."""
        ...

    def parts(self) -> AsyncIterator[T_co]:
        """All that the table holds; what changes meanwhile may be old or new, or there twice."""
        ...

    async def follow(
        self, last_id: bytes, *, count: int = 64, block_ms: int = 1000
    ) -> tuple[T_co, bytes]:
        """Changes after `last_id`, and the id to follow from next.

        Waits up to `block_ms` for the first (0: does not wait). May raise ChangesMissed.
        """
        ...
