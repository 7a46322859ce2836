from collections.abc import Mapping

import pytest

from cache import demand
from cache.demand import encode
from cache.demand_keys import ShardKeys
from cache.refresh.backlog import Backlog, Settlement
from cache.refresh.hand import Hand, InHand
from cache.refresh.intake import AT_ONCE, LOOK_AGAIN_S, Intake
from cache.refresh.lease import Lease, Leases
from tests.cache.fake_clock import FakeClock
from tests.cache.refresh.asked import make_demand
from tests.cache.refresh.live_space import SPACE, LiveSpace

pytestmark = pytest.mark.redis


class Reading:
    """Of shard 0, whose messages are numbered by the users that ask."""

    def __init__(self, space: LiveSpace, leases: Mapping[int, Lease], max_pairs: int) -> None:
        self.space = space
        self.leases = leases
        self.hand = Hand(max_pairs)
        self.backlog = Backlog(space.client, SPACE, 1)
        self.clock = FakeClock()
        self.intake = Intake(
            self.backlog, lambda body: demand.decode(body).demand, self.hand, self.clock
        )
        self.sent = 0

    @classmethod
    async def begun(cls, space: LiveSpace, max_pairs: int = 10_000) -> "Reading":
        return cls(space, await leases_of(space), max_pairs)

    async def send(self, count: int) -> None:
        bodies = [encode(make_demand(f"{self.sent + n}", [1]), 0) for n in range(count)]
        self.sent += count
        await self.space.demand.append({0: bodies}, 100_000)

    async def read(self) -> list[int]:
        """What is new in hand, and is now settled."""
        await self.intake.refill(self.leases, 0)
        taken: list[InHand] = []
        while self.hand:
            taken += self.hand.take(100_000)
        await self.settle(taken)
        return sorted(int(each.demand.user_id) for each in taken)

    async def settle(self, taken: list[InHand]) -> None:
        settlements = [Settlement(each.id, {}) for each in taken]
        await self.backlog.settle({self.leases[0]: settlements})
        self.hand.done(taken)


async def leases_of(space: LiveSpace) -> dict[int, Lease]:
    return {
        lease.shard: lease for lease in await Leases(space.client, SPACE, b"", 60_000).acquire([0])
    }


async def test_arrivals_are_read_as_they_come(space: LiveSpace) -> None:
    reading = await Reading.begun(space)
    assert await reading.read() == []
    for at in range(3):
        await reading.send(2)
        assert await reading.read() == [2 * at, 2 * at + 1]


async def test_backlog_of_an_outage_is_read_from_its_newest_end(space: LiveSpace) -> None:
    reading = await Reading.begun(space)
    await reading.send(3 * AT_ONCE)
    assert await reading.read() == list(range(2 * AT_ONCE, 3 * AT_ONCE))
    await reading.send(1)
    assert await reading.read() == [*range(AT_ONCE, 2 * AT_ONCE), 3 * AT_ONCE]
    assert await reading.read() == list(range(AT_ONCE))
    assert await reading.read() == []


async def test_message_that_a_failover_brought_back_is_read_again(space: LiveSpace) -> None:
    """Settled on a server that failed before its replica knew."""
    reading = await Reading.begun(space)
    await reading.send(2)
    stream = ShardKeys.of(SPACE, 0).stream
    [(first, fields), _] = await space.client.xrange(stream)
    assert await reading.read() == [0, 1]
    await space.client.execute_command("DEL", stream)
    await space.client.xadd(stream, fields, id=first)
    assert await reading.read() == []
    reading.clock.now += LOOK_AGAIN_S
    assert await reading.read() == [0]
    assert await reading.read() == []


async def test_what_arrives_faster_than_it_is_read_is_read_newest_first(space: LiveSpace) -> None:
    reading = await Reading.begun(space)
    await reading.read()
    seen: list[int] = []
    for _ in range(5):
        await reading.send(3 * AT_ONCE)
        got = await reading.read()
        seen += got
    assert got[-1] == reading.sent - 1
    while got := await reading.read():
        seen += got
    assert sorted(seen) == list(range(reading.sent))


async def test_full_hand_leaves_the_rest_in_the_stream_and_takes_it_later(space: LiveSpace) -> None:
    reading = await Reading.begun(space, max_pairs=10)
    await reading.send(35)
    assert await reading.read() == list(range(25, 35))
    await reading.send(3)
    assert await reading.read() == [*range(18, 25), 35, 36, 37]
    seen = []
    while got := await reading.read():
        seen += got
    assert sorted(seen) == list(range(18))


async def test_nothing_is_read_into_a_hand_without_room(space: LiveSpace) -> None:
    reading = await Reading.begun(space, max_pairs=10)
    await reading.send(10)
    await reading.intake.refill(reading.leases, 0)
    await reading.send(5)
    await reading.intake.refill(reading.leases, 0)
    assert reading.hand.pairs == 10
    assert await reading.read() == list(range(10))
    assert await reading.read() == list(range(10, 15))


async def test_older_messages_wait_until_the_hand_is_half_empty(space: LiveSpace) -> None:
    reading = await Reading.begun(space, max_pairs=10)
    await reading.send(20)
    await reading.intake.refill(reading.leases, 0)
    await reading.settle(reading.hand.take(4))
    await reading.intake.refill(reading.leases, 0)
    assert reading.hand.pairs == 6
    await reading.settle(reading.hand.take(1))
    await reading.intake.refill(reading.leases, 0)
    assert reading.hand.pairs == 10


async def test_message_in_hand_is_not_read_twice(space: LiveSpace) -> None:
    reading = await Reading.begun(space)
    await reading.send(AT_ONCE)
    await reading.intake.refill(reading.leases, 0)
    await reading.send(2 * AT_ONCE)
    for _ in range(4):
        await reading.intake.refill(reading.leases, 0)
    assert reading.hand.pairs == 3 * AT_ONCE
    assert await reading.read() == list(range(3 * AT_ONCE))


async def test_new_lease_begins_anew_with_what_is_left(space: LiveSpace) -> None:
    reading = await Reading.begun(space)
    await reading.send(4)
    await reading.intake.refill(reading.leases, 0)
    await reading.backlog.begin({reading.leases[0]: [m.id for m in reading.hand.take(4)]})
    await space.ends_lease(0)
    reading.leases = await leases_of(space)
    await reading.intake.refill(reading.leases, 0)
    taken = reading.hand.take(4)
    assert [each.tries for each in taken] == [1] * 4
    assert {each.token for each in taken} == {reading.leases[0].token}


async def test_without_leases_nothing_is_in_hand(space: LiveSpace) -> None:
    reading = await Reading.begun(space)
    await reading.send(4)
    await reading.intake.refill(reading.leases, 0)
    await reading.intake.refill({}, 0)
    assert not reading.hand
    assert await reading.read() == [0, 1, 2, 3]


async def test_rubbish_is_set_aside(space: LiveSpace) -> None:
    reading = await Reading.begun(space)
    await space.demand.append({0: [b"rubbish"]}, 10)
    await reading.send(1)
    assert await reading.read() == [0]
    [rubbish] = reading.intake.rubbish
    assert (rubbish.shard, rubbish.message.body) == (0, b"rubbish")
    assert rubbish.token == reading.leases[0].token
