"""Connections to Redis or Valkey, and the one place that maps their errors to ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Unreachable
from redis.exceptions import ReadOnlyError, RedisClusterException, RedisError

from cache.address import Address, Kind, parse
from cache.cluster_client import ClusterClient
from cache.errors import StoreUnavailable, UrlInvalid
from cache.sentinel_pool import SentinelPool

ANSWER_S: Final = 2.0


def connect(
    url: str,
    *,
    max_connections: int = 4,
    wait_ms: float = 100.0,
    answer_ms: float = ANSWER_S * 1000.0,
) -> Redis:
    """Opens nothing yet. `wait_ms` bounds the wait for a free connection, `answer_ms` for a reply.

    A few connections shared by waiting callers: redis-py's own pool raises when it is exhausted,
    and one connection a request is a storm when hundreds of processes start again at once.
    Of a cluster it is a ClusterClient, which takes the same commands (none with keys of two slots)
    and bounds its connections itself. Raises UrlInvalid.
    """
    address = parse(url)
    answer_s = answer_ms / 1000.0
    timing: dict[str, Any] = {
        "socket_timeout": answer_s,
        "socket_connect_timeout": answer_s,
        "protocol": 2,
    }
    try:
        if address.kind is Kind.CLUSTER:
            return cast(Redis, ClusterClient(address, timing))
        pooled = {"max_connections": max_connections, "timeout": wait_ms / 1000.0} | timing
        return Redis.from_pool(_pool(address, pooled))
    except (TypeError, ValueError, RedisError) as error:
        raise UrlInvalid(f"UNDERSTUDY_REDIS_URL is no address of a server: {error}") from None


def _pool(address: Address, given: dict[str, Any]) -> BlockingConnectionPool:
    options = {
        **given,
        # One try more: connections left dead by a restart heal unseen. Never on timeout. A server
        # that was made a replica refuses to write: its name may lead to the new master by now.
        "retry": Retry(NoBackoff(), 1, supported_errors=(Unreachable,)),
        "retry_on_error": [ReadOnlyError],
        **address.options,
    }
    if address.kind is Kind.SENTINEL:
        return SentinelPool(address, options)
    return BlockingConnectionPool(**options)


# What redis-py breaks on when something that is no Redis answers: it trusts a reply's shape.
_MISSHAPEN = (TypeError, ValueError, LookupError, AttributeError)
_CLOSED = RuntimeError
"""uvloop's, of a write to a connection that was reset a moment ago."""


@contextmanager
def unavailable_when_failing(action: str) -> Iterator[None]:
    try:
        yield
    except (RedisError, RedisClusterException, OSError, _CLOSED, *_MISSHAPEN) as error:
        raise StoreUnavailable(
            f"cannot {action}: {type(error).__name__}: {error}: "
            "is the server at UNDERSTUDY_REDIS_URL up and reachable?"
        ) from error
