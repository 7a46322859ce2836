"""What every store promises. Subclass, and give a `store` fixture."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from redis.asyncio import Redis

from cache.redis_store import RedisStore
from cache.stamp import stamp_of
from cache.store import Replacement, Store

Pass = Callable[[float], Awaitable[None]]
"""Lets so many seconds go by for the store."""


def versioned(version: int, fence: int = 0, body: bytes = b"") -> bytes:
    return b"U" + bytes(7) + version.to_bytes(8, "little") + fence.to_bytes(8, "little") + body


class ForgetfulContract:
    """The part that also holds for a store that keeps nothing."""

    async def test_missing_keys_read_as_none_in_order(self, store: Store) -> None:
        assert await store.get_many([b"a", b"b", b"a"]) == [None, None, None]

    async def test_no_keys_read_as_nothing(self, store: Store) -> None:
        assert await store.get_many([]) == []

    async def test_writing_nothing_is_allowed(self, store: Store) -> None:
        await store.put_many({}, 1.0)
        assert await store.replace_many([], None) == []

    async def test_first_version_is_taken(self, store: Store) -> None:
        assert await store.replace(b"k", versioned(1), expected_version=0, fence=0, ttl_s=None)

    async def test_version_that_is_not_held_is_refused(self, store: Store) -> None:
        assert not await store.replace(b"k", versioned(8), expected_version=7, fence=0, ttl_s=None)

    async def test_ping_answers(self, store: Store) -> None:
        await store.ping()


class StoreContract(ForgetfulContract):
    async def test_values_come_back_in_the_order_asked(self, store: Store) -> None:
        await store.put_many({b"a": b"1", b"b": b"\x00\xff" * 9}, None)
        assert await store.get_many([b"b", b"x", b"a", b"b"]) == [
            b"\x00\xff" * 9, None, b"1", b"\x00\xff" * 9,
        ]  # fmt: skip

    async def test_later_put_wins(self, store: Store) -> None:
        await store.put_many({b"a": b"1"}, None)
        await store.put_many({b"a": b"2"}, None)
        assert await store.get_many([b"a"]) == [b"2"]

    async def test_expired_value_reads_as_missing(self, store: Store, passes: Pass) -> None:
        await store.put_many({b"short": b"1"}, 0.05)
        await store.put_many({b"long": b"2"}, 60.0)
        await passes(0.06)
        assert await store.get_many([b"short", b"long"]) == [None, b"2"]

    async def test_expired_value_counts_as_absent_for_replace(
        self, store: Store, passes: Pass
    ) -> None:
        await store.replace(b"k", versioned(1), expected_version=0, fence=9, ttl_s=0.05)
        await passes(0.06)
        assert await store.replace(b"k", versioned(1), expected_version=0, fence=0, ttl_s=None)

    async def test_replace_refuses_a_version_that_moved_on(self, store: Store) -> None:
        await store.replace(b"k", versioned(1), expected_version=0, fence=0, ttl_s=None)
        assert await store.replace(b"k", versioned(2), expected_version=1, fence=0, ttl_s=None)
        late = await store.replace(
            b"k", versioned(2, body=b"late"), expected_version=1, fence=0, ttl_s=None
        )
        assert not late
        assert await store.get_many([b"k"]) == [versioned(2)]

    async def test_replace_refuses_a_lower_fence(self, store: Store) -> None:
        await store.replace(b"k", versioned(1, 5), expected_version=0, fence=5, ttl_s=None)
        assert not await store.replace(
            b"k", versioned(2, 4), expected_version=1, fence=4, ttl_s=None
        )
        assert await store.replace(b"k", versioned(2, 6), expected_version=1, fence=6, ttl_s=None)

    async def test_foreign_bytes_count_as_absent(self, store: Store) -> None:
        foreign = {b"short": b"U", b"text": b"x" * 40, b"huge": b"U" + b"\xff" * 40}
        await store.put_many(foreign, None)
        for key in foreign:
            assert await store.replace(
                key, versioned(1), expected_version=0, fence=0, ttl_s=None
            ), key

    async def test_versions_above_32_bits_are_told_apart(self, store: Store) -> None:
        held = (1 << 52) + 1
        await store.put_many({b"k": versioned(held)}, None)
        assert not await store.replace(
            b"k", versioned(held), expected_version=held - 1, fence=0, ttl_s=None
        )
        assert await store.replace(
            b"k", versioned(held + 1), expected_version=held, fence=0, ttl_s=None
        )

    async def test_each_replacement_stands_on_its_own(self, store: Store) -> None:
        await store.put_many({b"b": versioned(3)}, None)
        done = await store.replace_many(
            [
                Replacement(b"a", versioned(1), 0, 0),
                Replacement(b"b", versioned(2), 1, 0),
                Replacement(b"c", versioned(1), 0, 0),
            ],
            60.0,
        )
        assert done == [True, False, True]
        held = await store.get_many([b"a", b"b", b"c"])
        assert [stamp_of(value).version for value in held] == [1, 3, 1]

    async def test_one_of_many_racing_writers_wins_each_version(self, store: Store) -> None:
        async def increments(times: int) -> int:
            won = 0
            while won < times:
                version = stamp_of((await store.get_many([b"k"]))[0]).version
                won += await store.replace(
                    b"k", versioned(version + 1), expected_version=version, fence=0, ttl_s=None
                )
            return won

        await asyncio.gather(*(increments(5) for _ in range(4)))
        assert stamp_of((await store.get_many([b"k"]))[0]).version == 20


class ServerStoreContract(StoreContract):
    """Of a store whose time is real; `client` says where it is."""

    @pytest.fixture
    async def store(self, client: Redis) -> AsyncIterator[Store]:
        store = RedisStore(client)
        yield store
        await store.close()

    @pytest.fixture
    def passes(self) -> Pass:
        return asyncio.sleep
