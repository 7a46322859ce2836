import asyncio
from typing import Any

import pytest
from redis.crc import key_slot

from cache.errors import Corrupt, StoreUnavailable
from cache.rollout_board import HISTORY, RolloutBoard

pytestmark = pytest.mark.redis
LEADER = "us:rollout:{student}:leader"


@pytest.fixture
def board(client: Any) -> RolloutBoard:
    return RolloutBoard(client, "student")


async def test_untouched_board_holds_nothing_and_tells_the_servers_time(
    board: RolloutBoard,
) -> None:
    held = await board.read()
    assert (held.revision, held.since_ms, held.body) == (0, 0, None)
    assert held.now_ms > 1_700_000_000_000
    assert await board.fleet() == {}
    assert await board.sums("t") == {}
    assert await board.history(10) == []


async def test_state_comes_back_with_its_time_and_its_entry(board: RolloutBoard) -> None:
    before = await board.read()
    assert await board.replace(0, b"\x00{one}", b"entry one")
    held = await board.read()
    assert (held.revision, held.body) == (1, b"\x00{one}")
    assert before.now_ms <= held.since_ms <= held.now_ms
    [(_, entry)] = await board.history(10)
    assert entry == b"entry one"


async def test_second_of_two_that_read_the_same_state_changes_nothing(board: RolloutBoard) -> None:
    assert await board.replace(0, b"first", b"1")
    assert not await board.replace(0, b"second", b"2")
    assert (await board.read()).body == b"first"
    assert [entry for _, entry in await board.history(10)] == [b"1"]


async def test_lost_state_is_written_back_whole_and_once(board: RolloutBoard, client: Any) -> None:
    for at in range(3):
        await board.replace(at, b"%d" % at, b"e")
    known = await board.read()
    await client.flushall()
    assert not await board.restore(1, known, b"back")
    assert [await board.restore(0, known, b"back") for _ in range(2)] == [True, False]
    assert (await board.read())[:2] == known[:2]
    assert [entry for _, entry in await board.history(10)] == [b"back"]


async def test_of_many_at_once_one_replaces_and_one_entry_is_written(board: RolloutBoard) -> None:
    done = await asyncio.gather(*(board.replace(0, b"%d" % n, b"%d" % n) for n in range(20)))
    assert sum(done) == 1
    held, history = await board.read(), await board.history(100)
    assert [entry for _, entry in history] == [held.body]


async def test_lease_is_for_one_and_is_extended_by_its_holder(
    board: RolloutBoard, client: Any
) -> None:
    assert await board.lead(b"a", 1_000)
    assert not await board.lead(b"b", 90_000)
    assert await board.lead(b"a", 60_000)
    assert 50_000 < await client.pttl(LEADER) <= 60_000


async def test_lease_is_given_back_by_its_holder_alone(board: RolloutBoard, client: Any) -> None:
    await board.lead(b"a", 60_000)
    await board.resign(b"b")
    assert await client.get(LEADER) == b"a"
    await board.resign(b"a")
    assert await board.lead(b"b", 60_000)


async def test_lease_that_is_over_or_anothers_lets_nobody_replace(
    board: RolloutBoard, client: Any
) -> None:
    await board.lead(b"a", 60_000)
    assert not await board.replace(0, b"x", b"x", token=b"b")
    await client.delete(LEADER)  # as the server does when its time is over
    assert not await board.replace(0, b"x", b"x", token=b"a")
    assert (await board.read()).revision == 0
    assert await board.history(10) == []
    await board.lead(b"a", 60_000)
    assert await board.replace(0, b"x", b"x", token=b"a")


async def test_what_a_gateway_tells_twice_counts_once(board: RolloutBoard, client: Any) -> None:
    for _ in range(2):
        await board.present("g", b"told", {"stable": b"5", "canary": b"3"}, "t-1")
    await board.present("h", b"also", {}, "t-1")
    assert await board.fleet() == {"g": b"told", "h": b"also"}
    assert await board.sums("t-1") == {"g:stable": b"5", "g:canary": b"3"}
    assert await board.sums("t-2") == {}
    for part in ("fleet", "sums:t-1"):
        assert await client.pttl(f"us:rollout:{{student}}:{part}") > 80_000_000


async def test_gateway_that_is_forgotten_says_so_again(board: RolloutBoard) -> None:
    for name in ("a", "b", "c"):
        await board.present(name, b"told", {}, "t")
    await board.forget([])
    await board.forget(["a", "c", "never there"])
    assert await board.fleet() == {"b": b"told"}
    await board.present("a", b"told", {}, "t")
    assert set(await board.fleet()) == {"a", "b"}


async def test_history_is_told_newest_first_and_is_bounded(
    board: RolloutBoard, client: Any
) -> None:
    for number in range(HISTORY + 300):
        await board.replace(number, b"", b"%d" % number)
    newest = await board.history(3)
    assert [entry for _, entry in newest] == [b"1299", b"1298", b"1297"]
    assert len(await board.history(2 * HISTORY)) < HISTORY + 150


async def test_models_share_nothing_and_all_keys_of_one_are_in_one_slot(client: Any) -> None:
    one, two = RolloutBoard(client, "one"), RolloutBoard(client, "two")
    await one.replace(0, b"x", b"x")
    await one.lead(b"a", 60_000)
    await one.present("g", b"told", {"stable": b"5"}, "t")
    keys = await client.keys("us:rollout:*")
    assert len(keys) == 5
    assert len({key_slot(key) for key in keys}) == 1
    assert (await two.read()).revision == 0
    assert await two.fleet() == {}
    assert await two.lead(b"b", 60_000)


async def test_garbage_is_named_with_its_remedy(board: RolloutBoard, client: Any) -> None:
    await client.hset("us:rollout:{student}", "revision", "soon")
    with pytest.raises(Corrupt, match=r"us:rollout:\{student\} .*: delete that key"):
        await board.read()


async def test_key_of_another_kind_is_no_board(board: RolloutBoard, client: Any) -> None:
    await client.set("us:rollout:{student}", "x")
    with pytest.raises(StoreUnavailable, match="WRONGTYPE"):
        await board.read()
