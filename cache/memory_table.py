"""One process's table."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence

from cache.table import Change


class MemoryTable:
    def __init__(self) -> None:
        self._tables: defaultdict[bytes, dict[bytes, bytes]] = defaultdict(dict)

    async def read(self, key: bytes, fields: Sequence[bytes]) -> list[bytes | None]:
        return [self._tables[key].get(field) for field in fields]

    async def scan(self, key: bytes) -> AsyncIterator[dict[bytes, bytes]]:
        yield dict(self._tables[key])

    async def change(self, key: bytes, changes: Sequence[Change]) -> list[bool]:
        return [self._change(key, change) for change in changes]

    def _change(self, key: bytes, change: Change) -> bool:
        table = self._tables[key]
        if table.get(change.field) != change.old:
            return False
        table[change.field] = change.new
        return True
