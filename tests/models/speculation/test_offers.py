import numpy as np

from models.speculation.offers import HALF_LIFE_MS, LEVELS, PRIOR_REQUESTS, Offers, level_of
from models.speculation.slots import Slots


def heard(offers: Offers, now_ms: int, *pairs: int) -> None:
    codes = np.array(pairs, np.int64)
    offers.heard(codes, codes, now_ms)


def test_a_share_is_of_the_requests_since_the_pair_was_first_seen() -> None:
    offers = Offers()
    for request in range(100):
        heard(offers, 0, *([1, 2] if request >= 60 else [1]))
    old, new, unseen = offers.shares(np.array([1, 2, 3]))
    assert np.isclose(old, 100 / (100 + PRIOR_REQUESTS))
    assert np.isclose(new, 40 / (40 + PRIOR_REQUESTS))
    assert unseen == 0.0


def test_counts_are_halved_in_a_half_life() -> None:
    offers = Offers()
    for _ in range(40):
        heard(offers, 0, 1)
    for _ in range(20):
        heard(offers, int(HALF_LIFE_MS), 2)
    once, twice = offers.shares(np.array([1, 2]))
    assert np.isclose(once, 20 / (40 + PRIOR_REQUESTS))
    assert np.isclose(twice, 20 / (20 + PRIOR_REQUESTS))


def test_shares_survive_years() -> None:
    offers = Offers()
    for day in range(1, 200):
        heard(offers, day * int(HALF_LIFE_MS), 1)
    [share] = offers.shares(np.array([1]))
    assert np.isclose(share, 2.0 / (2.0 + PRIOR_REQUESTS))


def test_the_rarer_half_is_forgotten_when_there_are_too_many() -> None:
    offers = Offers(limit=4)
    for pairs in [(1, 2, 3, 4), (1, 2, 3), (1, 2)]:
        heard(offers, 0, *pairs)
    heard(offers, 0, 5)
    assert set(offers.most(10).pair.tolist()) == {1, 2, 5}
    assert len(offers) == 3


def test_a_level_is_a_halving() -> None:
    shares = np.array([1.0, 0.5, 0.25, 0.1, 0.0])
    assert level_of(shares).tolist() == [0, 1, 2, 3, LEVELS - 1]


def test_a_full_table_gives_the_slot_unused_longest() -> None:
    slots = Slots(2)
    assert [slots.use(code) for code in (7, 8, 7, 9)] == [
        (0, True),
        (1, True),
        (0, False),
        (1, True),
    ]
    assert (slots.find(8), slots.find(7), len(slots)) == (None, 0, 2)
