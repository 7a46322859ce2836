"""One user's record and pages go, in all spaces."""

from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from cache.connection import unavailable_when_failing
from cache.errors import NotConfirmed, UserUnknown
from cache.keys import neighbour_name, neighbour_pattern, page_name, page_pattern, record_key
from cache.operator.key_listing import listed
from cache.operator.key_removal import unlinked


@dataclass(frozen=True, slots=True)
class Forgotten:
    user_id: str
    keys: int


async def forget_user(client: Redis, user_id: str, *, is_confirmed: bool) -> Forgotten:
    """Raises UserUnknown, or NotConfirmed with what would go. What waits in streams is read for
    as long as it waits: an event that is not ingested yet begins a new record."""
    keys = await _keys(client, user_id)
    if not keys:
        raise UserUnknown(f"user {user_id!r} has no record and no page: is the id written so?")
    if not is_confirmed:
        raise NotConfirmed(
            f"user {user_id!r}: {len(keys)} keys, his record and pages, would be deleted for "
            "good: send no more events of his, then give --yes"
        )
    return Forgotten(user_id, await unlinked(client, keys))


async def _keys(client: Redis, user_id: str) -> list[bytes]:
    found = {record_key(user_id)}
    for pattern, name_of in (
        (page_pattern(user_id), page_name),
        (neighbour_pattern(user_id), neighbour_name),
    ):
        async for keys in listed(client, pattern):
            found |= {key for key in keys if (name := name_of(key)) and name.user_id == user_id}
    if not await _is_there(client, record_key(user_id)):
        found.discard(record_key(user_id))
    return sorted(found)


async def _is_there(client: Redis, key: bytes) -> bool:
    with unavailable_when_failing("look for a user"):
        server: Any = client
        return bool(await server.execute_command("EXISTS", key))
