"""Connections to Redis or Valkey, and the one place that maps their errors to ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Unreachable
from redis.exceptions import RedisError

from cache.errors import StoreUnavailable, UrlInvalid

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
    Raises UrlInvalid.
    """
    try:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=max_connections,
            timeout=wait_ms / 1000.0,
            socket_timeout=answer_ms / 1000.0,
            socket_connect_timeout=answer_ms / 1000.0,
            # One try more: connections left dead by a restart heal unseen. Never on timeout.
            retry=Retry(NoBackoff(), 1, supported_errors=(Unreachable,)),
            retry_on_error=[],
            protocol=2,
        )
    except ValueError as error:
        # The address itself stays unsaid: it may hold a password.
        raise UrlInvalid(f"UNDERSTUDY_REDIS_URL is no address of a server: {error}") from error
    return Redis.from_pool(pool)


# What redis-py breaks on when something that is no Redis answers: it trusts a reply's shape.
_MISSHAPEN = (TypeError, ValueError, LookupError, AttributeError)


@contextmanager
def unavailable_when_failing(action: str) -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError, *_MISSHAPEN) as error:
        raise StoreUnavailable(
            f"cannot {action}: {type(error).__name__}: {error}: "
            "is the server at UNDERSTUDY_REDIS_URL up and reachable?"
        ) from error
