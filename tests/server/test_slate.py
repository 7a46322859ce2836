"""What holds of every slate, whatever was asked."""

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.features.records import F64, I64, U64
from models.schema import TIERS
from server.rerank import Wish
from server.slate import NO_WISH, Bound, Order, Ordering
from tests.server.capped import in_turn

FOREVER_MS = 60_000.0
ORDERING = Ordering(8, FOREVER_MS)
PAIR = TIERS.index("pair")


class Asked:
    """One request out of a seed: values with ties, some embeddings unknown, any bounds; in time,
    or not."""

    def __init__(self, seed: int, *, strength: float, window: int | None) -> None:
        rng = np.random.default_rng(seed)
        self.count = count = int(rng.integers(1, 30))
        self.values: F64 = rng.integers(0, 20, count) / 20.0
        self.z = rng.normal(size=(count, int(rng.integers(1, 12)))).astype(np.float32)
        self.tier: I64 = rng.integers(0, len(TIERS), count)
        self.top_k = int(rng.integers(1, count + 6)) if rng.random() < 0.8 else None
        self.wish = Wish(strength, window)
        self.groups: U64 = rng.integers(0, 5, (count, int(rng.integers(0, 3)))).astype(np.uint64)
        self.limits = tuple(int(rng.integers(1, 4)) for _ in self.groups.T)
        self.places = self._places(rng)
        self.excluded = int(rng.integers(0, 3))
        self.ordering = Ordering(8, FOREVER_MS if rng.random() < 0.8 else 0.0)

    def _places(self, rng: np.random.Generator) -> I64:
        places = np.zeros(self.count, np.int64)
        last = min(self.count, self.top_k or self.count)
        pins = int(rng.integers(0, min(last, 4) + 1))
        chosen = rng.choice(self.count, pins, replace=False)
        places[chosen] = rng.choice(last, pins, replace=False) + 1
        return places

    def order(self) -> Order:
        bound = Bound(self.places, self.groups, self.limits, self.excluded)
        hints = (self.z, self.tier)
        return self.ordering.order(self.values, None, hints, self.top_k, self.wish, bound)


ASKED = st.builds(
    Asked,
    st.integers(0, 2**32 - 1),
    strength=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    window=st.none() | st.integers(1, 6),
)


@settings(max_examples=100, deadline=None)
@given(ASKED)
def test_caps_are_never_exceeded_but_by_pins(asked: Asked) -> None:
    slate = asked.order().positions
    for column, limit in zip(asked.groups.T, asked.limits, strict=True):
        pinned = Counter(column[asked.places > 0].tolist())
        for group, count in Counter(column[slate].tolist()).items():
            assert group == 0 or count <= max(limit, pinned[group])


@settings(max_examples=100, deadline=None)
@given(ASKED)
def test_pins_stand_where_they_are_pinned_unless_the_slate_ends_before(asked: Asked) -> None:
    order = asked.order()
    slate = order.positions.tolist()
    pinned = sorted((place, item) for item, place in enumerate(asked.places.tolist()) if place)
    for left, (place, item) in zip(range(len(pinned), 0, -1), pinned, strict=True):
        assert slate.index(item) == min(place - 1, len(slate) - left)
    if asked.top_k is not None and "short_slate" not in order.reasons:
        assert all(slate[place - 1] == item for place, item in pinned)


@settings(max_examples=100, deadline=None)
@given(ASKED)
def test_nothing_is_there_twice_and_nothing_is_lost_for_no_reason(asked: Asked) -> None:
    order = asked.order()
    slate = order.positions.tolist()
    wanted = min(asked.top_k or asked.count, asked.count)
    assert len(set(slate)) == len(slate) <= wanted
    if not asked.limits:
        assert len(slate) == wanted
    full = wanted if asked.top_k is None else min(asked.top_k, asked.count + asked.excluded)
    assert ("short_slate" in order.reasons) == (len(slate) < full)
    for item in set(range(asked.count)) - set(slate) if len(slate) < wanted else ():
        assert any(
            group and Counter(column[slate].tolist())[group] >= limit
            for column, limit, group in zip(
                asked.groups.T, asked.limits, asked.groups[item].tolist(), strict=True
            )
        ), "it had room"


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_without_diversity_the_rest_is_by_value_under_the_caps(seed: int) -> None:
    asked = Asked(seed, strength=0.0, window=None)
    slate = asked.order().positions
    others = slate[asked.places[slate] == 0]
    by_value = np.argsort(-asked.values, kind="stable")
    pins = np.flatnonzero(asked.places[by_value]).tolist()
    kept = in_turn(asked.groups[by_value], asked.limits, pins, len(others))
    assert others.tolist() == by_value[kept].tolist()


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_unbounded_order_is_that_of_value_with_the_first_first_among_equals(seed: int) -> None:
    asked = Asked(seed, strength=0.0, window=None)
    plain = ORDERING.order(asked.values, None, None, asked.top_k, NO_WISH)
    expected = sorted(range(asked.count), key=lambda item: -asked.values[item])[: asked.top_k]
    assert plain.positions.tolist() == expected


@settings(max_examples=60, deadline=None)
@given(ASKED)
def test_bounds_that_bind_nothing_change_nothing(asked: Asked) -> None:
    free = asked.ordering.order(asked.values, None, (asked.z, asked.tier), asked.top_k, asked.wish)
    asked.places[:], asked.excluded, asked.limits = 0, 0, (99,) * len(asked.limits)
    assert asked.order().positions.tolist() == free.positions.tolist()


def test_two_pins_of_a_group_with_room_for_one_both_stand_and_it_is_said() -> None:
    groups = np.array([[1], [1], [1], [2]], np.uint64)
    bound = Bound(np.array([0, 2, 1, 0]), groups, (1,), 0)
    order = ORDERING.order(np.array([4.0, 3.0, 2.0, 1.0]), None, None, None, NO_WISH, bound)
    assert order.positions.tolist() == [2, 1, 3]
    assert order.reasons == ("short_slate", "pins_over_cap")


def test_bids_multiply_and_come_back() -> None:
    order = ORDERING.order(np.array([0.1, 0.2]), np.array([3.0, 1.0]), None, None)
    np.testing.assert_allclose(order.values, [0.3, 0.2])
    assert order.positions.tolist() == [0, 1]


def test_past_the_depth_it_is_by_value() -> None:
    values, rng = np.linspace(1.0, 0.0, 30), np.random.default_rng(0)
    hints = (rng.normal(size=(30, 16)).astype(np.float32), np.full(30, PAIR))
    order = Ordering(5, FOREVER_MS).order(values, None, hints, None, Wish(0.9))
    assert (np.diff(order.positions[5:]) > 0).all()
    assert sorted(order.positions.tolist()) == list(range(30))


def test_users_aggregate_is_no_embedding_and_an_items_own_is() -> None:
    values, z = np.linspace(1.0, 0.0, 4), np.eye(4, dtype=np.float32)
    for tier, reasons in (("user", ("no_embeddings",)), ("none", ("no_embeddings",)), ("item", ())):
        hints = (z, np.full(4, TIERS.index(tier)))
        assert ORDERING.order(values, None, hints, None, Wish(0.5)).reasons == reasons
