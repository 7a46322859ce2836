"""No cache at all, as a configuration: everything is a miss, every write is forgotten."""

from collections.abc import Mapping, Sequence

from cache.store import Replacement


class NullStore:
    async def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        return [None] * len(keys)

    async def put_many(self, values: Mapping[bytes, bytes], ttl_s: float | None) -> None:
        pass

    async def replace(
        self, key: bytes, value: bytes, *, expected_version: int, fence: int, ttl_s: float | None
    ) -> bool:
        return expected_version == 0

    async def replace_many(
        self, replacements: Sequence[Replacement], ttl_s: float | None
    ) -> list[bool]:
        return [replacement.expected_version == 0 for replacement in replacements]

    async def ping(self) -> None:
        pass

    async def close(self) -> None:
        pass
