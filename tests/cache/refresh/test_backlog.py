import pytest

from cache.account import Outcome
from cache.demand_keys import ShardKeys, shard_of
from cache.refresh.backlog import Backlog, Settlement, Span
from cache.refresh.lease import Lease, Leases
from cache.streams import START, Message
from tests.cache.refresh.asked import make_demand
from tests.cache.refresh.live_space import SPACE, LiveSpace

pytestmark = pytest.mark.redis

COMPUTED = {Outcome.COMPUTED: 3, Outcome.FRESH: 2, Outcome.DEAD: 0}


async def lease_of(space: LiveSpace, shard: int = 0) -> Lease:
    [lease] = await Leases(space.client, SPACE, b"one", 60_000).acquire([shard])
    return lease


async def messages(space: LiveSpace, count: int) -> list[Message]:
    """Of shard 0, oldest first."""
    backlog = one_shard(space)
    await space.demand.append({0: [b"%d" % number for number in range(count)]}, 1000)
    return (await backlog.arrivals({0: START}, 1000, 0))[0]


def one_shard(space: LiveSpace) -> Backlog:
    return Backlog(space.client, SPACE, 1)


async def test_newest_come_first_within_their_span(space: LiveSpace) -> None:
    sent = await messages(space, 5)
    [newest, between] = await space.backlog.newest(
        [Span(0, b"-", b"+", 2), Span(0, b"(" + sent[0].id, b"(" + sent[3].id, 9)]
    )
    assert [message.body for message in newest] == [b"4", b"3"]
    assert [message.body for message in between] == [b"2", b"1"]


async def test_arrivals_of_several_shards_come_together(space: LiveSpace) -> None:
    await space.demand.append({0: [b"a", b"b"], 2: [b"c"]}, 1000)
    after = dict.fromkeys(range(4), START)
    arrived = await space.backlog.arrivals(after, 10, 0)
    assert {shard: [m.body for m in got] for shard, got in arrived.items()} == {
        0: [b"a", b"b"],
        2: [b"c"],
    }
    after |= {shard: got[-1].id for shard, got in arrived.items()}
    assert await space.backlog.arrivals(after, 10, 0) == {}


async def test_settled_message_is_gone_and_counted_once(space: LiveSpace) -> None:
    [first, second] = await messages(space, 2)
    lease, settlement = await lease_of(space), Settlement(first.id, COMPUTED)
    assert await space.backlog.settle({lease: [settlement]}) == [[1]]
    both = [settlement, Settlement(second.id, {Outcome.EXPIRED: 1})]
    assert await space.backlog.settle({lease: both}) == [[0, 1]]
    outcomes = (await space.account()).outcomes
    assert {name: count for name, count in outcomes.items() if count} == {
        Outcome.COMPUTED: 3,
        Outcome.FRESH: 2,
        Outcome.EXPIRED: 1,
    }
    assert await space.waiting() == 0


async def test_repeated_message_counts_its_computed_pairs_as_recomputed_too(
    space: LiveSpace,
) -> None:
    [first] = await messages(space, 1)
    lease = await lease_of(space)
    await space.backlog.settle({lease: [Settlement(first.id, COMPUTED, is_repeated=True)]})
    account = await space.account()
    assert (account.recomputed, account.outcomes[Outcome.COMPUTED]) == (3, 3)


async def test_trimmed_message_is_not_counted_again_by_who_computed_it(space: LiveSpace) -> None:
    await space.ask(make_demand(items=range(3)))
    shard = shard_of("user-1", space.shards)
    [(first, _)] = await space.client.xrange(ShardKeys.of(SPACE, shard).stream)
    lease = await lease_of(space, shard)
    await space.backlog.begin({lease: [first]})
    await space.ask(make_demand(items=range(5)), limit=1)
    assert await space.backlog.settle({lease: [Settlement(first, COMPUTED)]}) == [[0]]
    account = await space.account()
    assert account.outcomes[Outcome.TRIMMED] == 3
    assert account.unsettled == 5


async def test_without_the_lease_nothing_is_begun_or_settled(space: LiveSpace) -> None:
    [first] = await messages(space, 1)
    lost = await lease_of(space)
    await space.ends_lease(0)
    held = await lease_of(space)
    assert await space.backlog.begin({lost: [first.id], held: [first.id]}) == [[], [1]]
    settlement = Settlement(first.id, COMPUTED)
    assert await space.backlog.settle({lost: [settlement]}) == [[]]
    assert await space.waiting() == 1
    assert (await space.account()).outcomes[Outcome.COMPUTED] == 0


async def test_tries_are_counted_until_a_message_is_settled(space: LiveSpace) -> None:
    [first, second] = await messages(space, 2)
    lease = await lease_of(space)
    assert await space.backlog.begin({lease: [first.id, second.id]}) == [[1, 1]]
    assert await space.backlog.begin({lease: [first.id]}) == [[2]]
    assert await space.backlog.tries(0) == {first.id: 2, second.id: 1}
    await space.backlog.settle({lease: [Settlement(first.id, COMPUTED)]})
    assert await space.backlog.tries(0) == {second.id: 1}


async def test_tries_of_messages_that_are_gone_are_forgotten(space: LiveSpace) -> None:
    [first] = await messages(space, 1)
    await space.backlog.begin({await lease_of(space): [first.id]})
    await space.client.delete(ShardKeys.of(SPACE, 0).stream)
    await space.backlog.tries(0)
    assert await space.backlog.tries(0) == {}


async def test_many_messages_are_begun_and_settled_in_short_scripts(space: LiveSpace) -> None:
    sent = await messages(space, 900)
    lease = await lease_of(space)
    assert await space.backlog.begin({lease: [each.id for each in sent]}) == [[1] * 900]
    every = [Settlement(message.id, COMPUTED) for message in sent]
    assert await space.backlog.settle({lease: every}) == [[1] * 900]
    assert (await space.account()).outcomes[Outcome.COMPUTED] == 2700
