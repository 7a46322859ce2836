"""POST /v1/items: ads that are new, changed, paused or gone, on their way to every gateway."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from pydantic import SecretStr
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from cache.catalogue_rows import CatalogueRows
from cache.errors import StoreUnavailable
from server.admin import AdminToken
from server.body import BodyReader
from server.errors import InvalidRequest, ItemsUnavailable
from server.gateway import Gateway
from server.item_batch import ItemReader
from server.wire import ItemBatch, ItemEntry, ItemsAccepted

PATH: Final = "/v1/items"
RETRY_AFTER_S: Final = 1
AT_ONCE: Final = 64
"""Items read before the event loop turns to requests again."""


class ItemsRoute:
    """202 once all of the batch is in the store; on anything else none of it need be, and it may be
    sent again: the later word on an item holds, whatever comes when."""

    def __init__(self, gateway: Gateway, token: SecretStr) -> None:
        self._gateway = gateway
        self._token = AdminToken(token)
        self._body = BodyReader(ItemBatch, gateway.settings.max_body_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._token.check(scope)
        try:
            batch, codec = await self._body.read(scope, receive)
        except ClientDisconnect:
            return
        reader = self._reader()
        rows = await _read(reader, batch.items)
        changed = await self._write(rows)
        answer = ItemsAccepted(len(batch.items), changed, sorted(reader.unknown))
        response = Response(codec.encode(answer), 202, media_type=codec.media_type.decode())
        await response(scope, receive, send)

    def _reader(self) -> ItemReader:
        settings = self._gateway.settings
        now_ms = time.time_ns() // 1_000_000
        latest_ms = now_ms + round(settings.events_max_skew_s * 1000)
        columns = self._gateway.vertical().lane.model.manifest.features.log.item
        return ItemReader(columns, now_ms, None if settings.replay else latest_ms)

    async def _write(self, rows: CatalogueRows) -> int:
        catalogue = self._gateway.vertical().routing.stable.writer
        if catalogue is None:
            raise ItemsUnavailable(
                "no Redis is configured to keep items",
                remedy="set UNDERSTUDY_REDIS_URL and start the gateway again",
            )
        try:
            return await catalogue.write(rows)
        except StoreUnavailable as error:
            raise ItemsUnavailable(
                f"the batch was not stored: {error}",
                remedy="send the same batch again: the later word on an item holds",
                retry_after_s=RETRY_AFTER_S,
            ) from error


async def _read(reader: ItemReader, entries: Sequence[ItemEntry]) -> CatalogueRows:
    """Raises InvalidRequest."""
    seen: dict[str, int] = {}
    items = []
    for position, entry in enumerate(entries):
        if entry.item_id in seen:
            raise InvalidRequest(
                f"the item is there twice, first as items[{seen[entry.item_id]}]",
                field=f"items[{position}].item_id",
                value=entry.item_id,
                remedy="send each item once",
            )
        seen[entry.item_id] = position
        items.append(reader.read(entry, f"items[{position}]"))
        if position % AT_ONCE == AT_ONCE - 1:
            await asyncio.sleep(0)
    return reader.rows(items)
