"""How a process learns which items were added, changed or withdrawn."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from cache.catalogue_rows import CatalogueRows, Layout
from cache.feed import ChangesMissed
from cache.keys import CATALOGUE_STREAM, CATALOGUE_TABLE
from cache.streams import Message, Streams
from cache.table import Table

MESSAGES_A_READ: Final = 4
"""Of up to a thousand rows each: few enough that a gateway's event loop decodes them unnoticed."""


class CatalogueFeed:
    """A Feed of rows of one log schema; those of another are left out and counted."""

    def __init__(self, table: Table, streams: Streams, layout: Layout) -> None:
        self._table = table
        self._streams = streams
        self._layout = layout
        self.foreign = 0
        """Rows that were left out."""

    async def last_id(self) -> bytes:
        return await self._streams.last_id(CATALOGUE_STREAM)

    async def parts(self) -> AsyncIterator[CatalogueRows]:
        async for fields in self._table.scan(CATALOGUE_TABLE):
            rows, foreign = self._layout.decode_fields(fields)
            self.foreign += foreign
            yield rows.last_of_each()

    async def follow(
        self, last_id: bytes, *, count: int = MESSAGES_A_READ, block_ms: int = 1000
    ) -> tuple[CatalogueRows, bytes]:
        """The last row of each item that changed. Raises ChangesMissed, and MessageCorrupt: the
        table has what the message had."""
        messages = await self._streams.read_after(CATALOGUE_STREAM, last_id, count, block_ms)
        rows = self._layout.joined(self._rows(messages, last_id))
        return rows.last_of_each(), messages[-1].id if messages else last_id

    def _rows(self, messages: Sequence[Message], last_id: bytes) -> list[CatalogueRows]:
        parts = []
        for message in messages:
            decoded = self._layout.decode_message(message.body)
            if decoded.after != last_id:
                raise ChangesMissed(
                    f"the catalogue's stream goes on after {decoded.after.decode()}, not after "
                    f"{last_id.decode()}, which was read last"
                )
            last_id = message.id
            self.foreign += decoded.foreign
            parts.append(decoded.rows)
        return parts
