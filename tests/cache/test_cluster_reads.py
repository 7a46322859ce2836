"""What reads do with what nodes answer, without nodes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import pytest
from hiredis import ReplyError
from redis.crc import key_slot

from cache.address import Node
from cache.cluster_reads import MAX_HOPS, ClusterReads
from cache.errors import StoreUnavailable
from cache.line import Line, LineLost
from cache.slot_map import SLOTS
from cache.topology import Topology

ONE, TWO = Node("one", 1), Node("two", 2)
SLOT = key_slot(b"k")
Says = Callable[[tuple[bytes, ...]], Any]
MAP = [[0, SLOTS - 1, [b"one", 1, b"", []]]]


class Told:
    """A line that answers at once; None: never."""

    def __init__(self, says: Says) -> None:
        self.asked: list[tuple[bytes, ...]] = []
        self._says = says

    def is_good(self) -> bool:
        return True

    def is_idle(self) -> bool:
        return True

    def ask(self, *command: bytes) -> asyncio.Future[Any]:
        self.asked.append(command)
        answer = asyncio.get_running_loop().create_future()
        said = MAP if command[0] == b"CLUSTER" else self._says(command)
        if isinstance(said, LineLost):
            answer.set_exception(said)
        elif said is not None:
            answer.set_result(said)
        return answer

    def end(self, why: str) -> None:
        pass

    def reads(self) -> int:
        return sum(command[0] == b"MGET" for command in self.asked)


class World:
    def __init__(self) -> None:
        self.lines: dict[Node, Told] = {}
        self.topology = Topology([ONE], self._opened)
        self.reads = ClusterReads(self.topology)

    def let(self, node: Node, says: Says) -> Told:
        self.lines[node] = Told(says)
        return self.lines[node]

    async def _opened(self, node: Node) -> Line:
        return cast(Line, self.lines[node])


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    await world.reads.close()


def error(text: str) -> Says:
    return lambda command: ReplyError(text)


def values(command: tuple[bytes, ...]) -> Any:
    return b"OK" if command[0] == b"ASKING" else [b"v"] * (len(command) - 1)


async def test_moved_slot_is_read_at_the_node_named_and_there_first_the_next_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = world.let(ONE, error(f"MOVED {SLOT} two:2"))
    two = world.let(TWO, values)
    await world.topology.slots()
    monkeypatch.setattr(f"{__name__}.MAP", [[0, SLOTS - 1, [b"two", 2, b"", []]]])
    assert await world.reads.get_many([b"k"]) == [b"v"]
    assert world.topology.node_of(b"k") == TWO
    assert await world.reads.get_many([b"k"]) == [b"v"]
    assert (one.reads(), two.reads()) == (1, 2)


async def test_slot_on_its_way_is_asked_for_with_asking_and_stays_where_it_was(
    world: World,
) -> None:
    world.let(ONE, error(f"ASK {SLOT} two:2"))
    two = world.let(TWO, values)
    assert await world.reads.get_many([b"k", b"{k}"]) == [b"v", b"v"]
    assert two.asked == [(b"ASKING",), (b"MGET", b"k", b"{k}")]
    assert world.topology.node_of(b"k") == ONE


async def test_keys_on_two_nodes_are_read_one_by_one(world: World) -> None:
    def source(command: tuple[bytes, ...]) -> Any:
        if len(command) > 2:
            return ReplyError("TRYAGAIN Multiple keys request during rehashing of slot")
        return [b"here"] if command[1] == b"k" else ReplyError(f"ASK {SLOT} two:2")

    world.let(ONE, source)
    world.let(TWO, values)
    assert await world.reads.get_many([b"k", b"{k}"]) == [b"here", b"v"]


async def test_nodes_that_point_at_each_other_are_left_after_a_few_hops(world: World) -> None:
    one = world.let(ONE, error(f"MOVED {SLOT} two:2"))
    two = world.let(TWO, error(f"MOVED {SLOT} one:1"))
    with pytest.raises(StoreUnavailable, match="MOVED"):
        await world.reads.get_many([b"k"])
    assert one.reads() + two.reads() == MAX_HOPS + 1


@pytest.mark.parametrize(
    "text", ["CLUSTERDOWN The cluster is down", "LOADING", "NOPERM", "TRYAGAIN"]
)
async def test_other_refusals_are_a_miss_and_the_map_is_looked_at_again(
    world: World, text: str
) -> None:
    one = world.let(ONE, error(text))
    with pytest.raises(StoreUnavailable, match=text):
        await world.reads.get_many([b"k"])
    await asyncio.sleep(0.05)
    assert one.reads() == 1
    assert one.asked.count((b"CLUSTER", b"SLOTS")) >= 2


async def test_lost_connection_is_tried_once_more(world: World) -> None:
    told = iter([LineLost("gone"), [b"v"]])
    world.let(ONE, lambda command: next(told))
    assert await world.reads.get_many([b"k"]) == [b"v"]


async def test_caller_that_gives_up_on_a_silent_node_has_the_map_looked_at(world: World) -> None:
    one = world.let(ONE, lambda command: None)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await world.reads.get_many([b"k"])
    await asyncio.sleep(0.05)
    assert one.asked.count((b"CLUSTER", b"SLOTS")) >= 2


async def test_keys_of_a_slot_that_nobody_serves_are_a_miss(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.let(ONE, values)
    monkeypatch.setattr(f"{__name__}.MAP", [[0, 0, [b"one", 1, b"", []]]])
    with pytest.raises(StoreUnavailable, match=f"no node of the cluster serves slot {SLOT}"):
        await world.reads.get_many([b"k"])


async def test_what_is_no_cluster_is_a_miss_that_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.let(ONE, values)
    monkeypatch.setattr(
        f"{__name__}.MAP", ReplyError("ERR This instance has cluster support disabled")
    )
    with pytest.raises(StoreUnavailable, match=r"one:1 .* cluster support disabled"):
        await world.reads.get_many([b"k"])


async def test_closed_reads_are_unavailable(world: World) -> None:
    world.let(ONE, values)
    await world.reads.get_many([b"k"])
    await world.reads.close()
    assert world.topology.masters() == {ONE}
    with pytest.raises(StoreUnavailable, match="closed"):
        await world.topology.look()
