"""Where values live: the seam between everything that reads or writes the cache and a server."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol


class Replacement(NamedTuple):
    """`value` takes the key if it is still at `expected_version` (0: absent or foreign bytes)
    and was not written under a higher fence. The value's own stamp must say version + 1."""

    key: bytes
    value: bytes
    expected_version: int
    fence: int


class Store(Protocol):
    """Batches are the primitive; every call is one round trip and may raise StoreUnavailable."""

    async def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Values in the order of the keys; None where there is none or it has expired."""
        ...

    async def put_many(self, values: Mapping[bytes, bytes], ttl_s: float | None) -> None:
        """Unconditional; value and expiry are one write. None: never expires."""
        ...

    async def replace(
        self, key: bytes, value: bytes, *, expected_version: int, fence: int, ttl_s: float | None
    ) -> bool: ...

    async def replace_many(
        self, replacements: Sequence[Replacement], ttl_s: float | None
    ) -> list[bool]:
        """Each on its own: some may be refused (False) and others written."""
        ...

    async def ping(self) -> None: ...

    async def close(self) -> None: ...
