from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from cache.errors import NotConfirmed, SpaceUnknown
from cache.keys import page_key, record_key
from cache.operator import key_listing
from cache.operator.space_removal import Removal, check_meant, drop_space
from cache.operator.space_scan import SpaceReport
from tests.cache.operator.filled import demand, put_pages


def report(pages: int, backlog: int | None) -> SpaceReport:
    return SpaceReport("s", pages, pages, 100 * pages, None, None, 0, backlog, 0)


@given(st.integers(0, 9), st.none() | st.integers(0, 9))
def test_nothing_goes_unless_it_is_there_and_meant(pages: int, backlog: int | None) -> None:
    if pages or backlog is not None:
        check_meant(report(pages, backlog), True)
        with pytest.raises(NotConfirmed, match=f"{pages} pages.*{backlog or 0} messages.*--yes"):
            check_meant(report(pages, backlog), False)
    else:
        with pytest.raises(SpaceUnknown, match="'s' has no page"):
            check_meant(report(pages, backlog), True)


@pytest.mark.redis
async def test_space_goes_with_its_demand_and_no_other_key(
    client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_listing, "KEYS_A_STEP", 10)
    users = ["a", "b:s", "{c}", "s", "d*", *(f"user-{number}" for number in range(60))]
    await put_pages(client, dict.fromkeys(("s", "s2", "S", "x:s", "}:s", "*", "?"), users))
    for space in ("s", "s2"):
        await demand(client, space, messages=3)
    await client.set(record_key("a"), b"a record")
    keys: set[Any] = set(await client.keys())
    gone: list[int] = []
    assert await drop_space(client, "s", gone.append) == Removal("s", len(users), 3)
    own = {page_key(user, "s") for user in users} | {b"us:shards:{s}"}
    own |= {key for key in keys if b":{s:" in key}
    assert len(own) == len(users) + 1 + 3 * 2
    assert keys - set(await client.keys()) == own
    assert sum(gone) == len(users)
    assert len(gone) > 5


@pytest.mark.redis
@pytest.mark.parametrize("space", ["*", "?", "[a]", "a\\b"])
async def test_space_with_glob_characters_is_itself_alone(client: Redis, space: str) -> None:
    await put_pages(client, {space: ["u"], "a": ["u"], "ab": ["u"]})
    assert (await drop_space(client, space, lambda more: None)).pages == 1
    assert set(await client.keys()) == {page_key("u", "a"), page_key("u", "ab")}


@pytest.mark.redis
async def test_dropping_again_finds_nothing(client: Redis) -> None:
    await put_pages(client, {"s": ["a"]})
    await drop_space(client, "s", lambda more: None)
    assert await drop_space(client, "s", lambda more: None) == Removal("s", 0, 0)
