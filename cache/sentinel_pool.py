"""Connections to the server that the sentinels call the master at the time of opening."""

from typing import Any, cast

from redis.asyncio import BlockingConnectionPool
from redis.asyncio.connection import SSLConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff

from cache.address import Address

ASKED = ("socket_timeout", "socket_connect_timeout", "protocol")


class SentinelPool(SentinelConnectionPool, BlockingConnectionPool):
    """Waits for a free connection, as the other pools; owns its connections to the sentinels."""

    def __init__(self, address: Address, options: dict[str, Any]) -> None:
        """`options` are those of a BlockingConnectionPool."""
        is_tls = options.pop("connection_class", None) is SSLConnection
        asking = {name: options[name] for name in ASKED} | dict(address.sentinel_options)
        asking["retry"] = Retry(NoBackoff(), 0)  # there are others to ask
        if is_tls:
            tls = {name: value for name, value in options.items() if name.startswith("ssl_")}
            asking |= {"ssl": True} | tls
        untyped: Any = Sentinel
        sentinel = untyped(list(address.nodes), sentinel_kwargs=asking)
        cast(Any, super()).__init__(address.service, sentinel, ssl=is_tls, **options)

    async def disconnect(self, inuse_connections: bool = True) -> None:
        await super().disconnect(inuse_connections)
        if inuse_connections:
            await self.sentinel_manager.aclose()
