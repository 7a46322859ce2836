from typing import Any

import pytest
from redis.asyncio import Redis

from cache.errors import NotConfirmed, UserUnknown
from cache.keys import neighbour_key, page_key, record_key
from cache.operator.forgetting import Forgotten, forget_user
from tests.cache.operator.filled import page_value, put_pages

pytestmark = pytest.mark.redis
USERS = ["a", "a:b", "{a}", "a*", "ab"]


async def fill(client: Redis) -> set[Any]:
    """Record, pages of two spaces and a lent value, of each."""
    await put_pages(client, {"s": USERS, "t": USERS})
    for user in USERS:
        await client.set(record_key(user), b"a record")
        await client.set(neighbour_key(user, "s"), page_value())
    return set(await client.keys())


@pytest.mark.parametrize("user", USERS)
async def test_user_goes_in_every_space_and_nobody_else_does(client: Redis, user: str) -> None:
    held = await fill(client)
    own = {record_key(user), neighbour_key(user, "s"), page_key(user, "s"), page_key(user, "t")}
    assert await forget_user(client, user, is_confirmed=True) == Forgotten(user, 4)
    assert held - set(await client.keys()) == own


async def test_nothing_goes_unless_it_is_meant(client: Redis) -> None:
    held = await fill(client)
    with pytest.raises(NotConfirmed, match=r"'a': 4 keys.*--yes"):
        await forget_user(client, "a", is_confirmed=False)
    assert set(await client.keys()) == held


async def test_user_of_whom_nothing_is_held_is_said_to_be_unknown(client: Redis) -> None:
    await fill(client)
    with pytest.raises(UserUnknown, match="'b' has no record"):
        await forget_user(client, "b", is_confirmed=True)


async def test_record_alone_is_enough_to_be_forgotten(client: Redis) -> None:
    await client.set(record_key("new"), b"a record")
    assert (await forget_user(client, "new", is_confirmed=True)).keys == 1
