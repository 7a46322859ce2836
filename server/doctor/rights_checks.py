"""Whether the gateway's user of Redis may do what a gateway does."""

from typing import Any, Final

from redis.exceptions import NoPermissionError, ReadOnlyError, ResponseError

from cache.connection import unavailable_when_failing
from cache.errors import StoreUnavailable
from cache.keys import EVENTS_STREAM, page_key
from server.doctor.finding import Finding, fail, ok, skip
from server.doctor.subject import Subject

NONE: Final = "{understudy-doctor}"
"""Tag of keys that nobody has: what is tried changes nothing."""
TRIED: Final[tuple[tuple[bytes | str, ...], ...]] = (
    ("MGET", page_key("understudy-doctor", "none")),
    ("GET", f"us:shards:{NONE}"),
    ("SET", f"us:account:{NONE}", "0", "XX"),
    ("DEL", f"us:tries:{NONE}"),
    ("PEXPIRE", f"us:workers:{NONE}", "1"),
    ("HGETALL", f"us:catalogue:{NONE}"),
    ("HDEL", f"us:rollout:{NONE}", "none"),
    ("HMGET", f"us:catalogue:{NONE}", "none"),
    ("HSCAN", f"us:catalogue:{NONE}", "0"),
    ("ZCOUNT", f"us:workers:{NONE}", "0", "0"),
    ("EVAL", "return 1", "1", f"us:shards:{NONE}"),
    ("XADD", f"us:stream:{NONE}", "NOMKSTREAM", "*", "b", "none"),
    ("XLEN", EVENTS_STREAM),
    ("XRANGE", f"us:stream:{NONE}", "-", "+", "COUNT", "1"),
    ("XREVRANGE", f"us:stream:{NONE}", "+", "-", "COUNT", "1"),
    ("XREAD", "COUNT", "1", "STREAMS", f"us:stream:{NONE}", "0"),
    ("XINFO", "GROUPS", f"us:stream:{NONE}"),
    ("TIME",),
)
"""All of a gateway's work that can be tried without doing it; docs/operations.md has the rest."""


async def rights(subject: Subject) -> Finding:
    if not subject.is_own_user:
        return skip("--redis is not the gateway's own address, and may be another user's")
    try:
        refused = [str(command[0]) for command in TRIED if not await _may(subject.client, command)]
    except StoreUnavailable as error:
        if not isinstance(error.__cause__, ReadOnlyError):
            raise
        return fail(
            "this is a replica, which takes no writes",
            "name the master: --redis, and "
            "UNDERSTUDY_REDIS_URL; behind Sentinel or a cluster let those name it",
        )
    if refused:
        return fail(
            f"this user may not {', '.join(refused)}, or not on our keys",
            "ACL SETUSER as docs/operations.md has it under Rights",
        )
    return ok(f"{len(TRIED)} commands of a gateway are allowed")


async def _may(client: Any, command: tuple[bytes | str, ...]) -> bool:
    with unavailable_when_failing("try what it may"):
        try:
            await client.execute_command(*command)
        except NoPermissionError:
            return False
        except ReadOnlyError:
            raise
        except ResponseError:
            return True  # there is nothing there
    return True
