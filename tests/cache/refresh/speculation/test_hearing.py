import numpy as np

from cache import demand
from cache.demand import Others
from cache.keys import pair_keys
from cache.refresh.speculation.hearing import asked_of
from cache.refresh.speculation.people import People, code_of
from models.speculation import policy
from tests.cache.demands import make_demand


def test_policies_and_messages_mean_the_same_by_a_standing() -> None:
    assert (demand.MISS, demand.STALE, demand.HIT) == (policy.MISS, policy.STALE, policy.HIT)


def test_candidates_are_heard_in_the_order_of_their_codes_each_once() -> None:
    asked = make_demand("u", (3, 9))._replace(scores=np.array([0.5, np.nan], np.float32))
    others = Others(
        np.array([4, 3], np.uint64),
        np.array([1.5, 0.1], np.float32),
        np.array([0, 1, 2, 2], np.uint8),
    )
    heard = asked_of(asked._replace(others=others))
    assert (heard.user, heard.now_ms) == (code_of("u"), 1000)
    assert (np.diff(heard.pairs) > 0).all()
    by_item = {
        item: (pair, round(score, 3), standing)
        for item, pair, score, standing in zip(
            heard.items.tolist(), heard.pairs.view(np.uint64).tolist(), heard.scores.tolist(),
            heard.standing.tolist(), strict=True,
        )
    }  # fmt: skip
    pairs = pair_keys(np.array([3, 4, 9], np.uint64), asked.context).tolist()
    assert by_item == {3: (pairs[0], 0.5, 0), 4: (pairs[1], 1.0, 2), 9: (pairs[2], 0.0, 1)}


def test_demand_of_a_gateway_that_does_not_tell_is_all_missed() -> None:
    heard = asked_of(make_demand("u", (3, 9)))
    assert heard.standing.tolist() == [policy.MISS, policy.MISS]


def test_users_are_bounded_and_earlier_requests_are_not_heard() -> None:
    people = People(limit=2)
    now, before = make_demand("a"), make_demand("a")._replace(as_of_ms=999)
    assert people.heard(3, now)
    assert not people.heard(3, before)
    assert people.heard(3, now)
    people.heard(1, make_demand("b"))
    people.heard(2, make_demand("c"))
    assert len(people) == 2
    assert people.find(code_of("a")) is None
    found = people.find(code_of("c"))
    assert found is not None
    assert (found.user_id, found.shard) == ("c", 2)
