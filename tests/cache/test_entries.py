import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.entries import Entries, aggregate_of, merged
from cache.page import decode
from cache.quantise import Precision, quantise, restored
from tests.cache.pages import NOW_MS, page_bytes_of, random_entries

PRECISIONS = pytest.mark.parametrize("precision", list(Precision))


DAY_MS = 86_400_000


def entry(key: int, at_ms: int, logit: float = 0.0, z: float = 0.5) -> Entries:
    return Entries.of(
        np.array([key], np.uint64),
        np.array([at_ms], np.int64),
        np.array([[logit]], np.float32),
        np.array([[z, -z]], np.float32),
        Precision.INT8,
    )


def all_of(*parts: Entries) -> Entries:
    joined = parts[0]
    for part in parts[1:]:
        joined = joined.followed_by(part)
    return joined.newest_of_each_pair()


def test_newer_entry_takes_the_place_of_an_older() -> None:
    both = merged(entry(1, 10, 0.1), entry(1, 20, 0.2), alive_since_ms=0, limit=9).entries
    assert both.logit == pytest.approx(np.array([[0.2]]))


def test_late_writer_does_not_undo_a_newer_entry() -> None:
    both = merged(entry(1, 20, 0.2), entry(1, 10, 0.1), alive_since_ms=0, limit=9).entries
    assert both.computed_at_ms.tolist() == [20]
    assert both.logit == pytest.approx(np.array([[0.2]]))


def test_of_equally_old_entries_the_new_one_stays() -> None:
    both = merged(entry(1, 10, 0.1), entry(1, 10, 0.9), alive_since_ms=0, limit=9).entries
    assert both.logit == pytest.approx(np.array([[0.9]]))


def test_expired_entries_leave() -> None:
    both = merged(entry(1, 10), entry(2, 20), alive_since_ms=11, limit=9).entries
    assert both.pair_keys.tolist() == [2]


def test_past_the_limit_the_oldest_leave_first() -> None:
    old, new = all_of(entry(1, 10, 9.0), entry(3, 30)), all_of(entry(2, 20), entry(4, 40))
    assert merged(old, new, alive_since_ms=0, limit=3).entries.pair_keys.tolist() == [2, 3, 4]


def test_of_equally_old_entries_the_lowest_logits_leave() -> None:
    old, new = all_of(entry(5, 10, 0.5), entry(6, 10, -2.0)), entry(7, 10, 1.0)
    assert merged(old, new, alive_since_ms=0, limit=2).entries.pair_keys.tolist() == [5, 7]


def wave(first_key: int, count: int, logit: float, age_ms: int) -> Entries:
    made = random_entries(count, age_ms=age_ms)
    return made._replace(
        pair_keys=made.pair_keys + np.uint64(first_key),
        logit=np.full((count, 2), logit, np.float32),
    )


def test_wave_of_low_scores_leaves_the_best_entries_of_the_page() -> None:
    best, low = wave(0, 40, 1.0, age_ms=DAY_MS // 4), wave(5000, 60, -4.0, age_ms=0)
    kept = merged(best, low, alive_since_ms=NOW_MS - DAY_MS, limit=60).entries
    newest_first = best.followed_by(low).computed_at_ms.argsort(kind="stable")[-60:]
    assert np.isin(best.pair_keys, kept.pair_keys).all()
    assert len(kept.pair_keys) == 60
    assert not np.isin(newest_first, np.arange(40)).any()  # the oldest-out rule loses all of them


def test_entry_about_to_expire_gives_way_to_one_of_less_promise() -> None:
    dying, young = entry(1, 1000, logit=2.0), entry(2, 90_000, logit=-2.0)
    kept = merged(dying, young, alive_since_ms=0, limit=1).entries
    assert kept.pair_keys.tolist() == [2]


@given(
    st.lists(st.tuples(st.integers(0, 1000), st.floats(-40, 40, width=32)), min_size=1),
    st.integers(1, 12),
)
def test_none_that_left_was_worth_more_than_one_that_stayed(
    made: list[tuple[int, float]], limit: int
) -> None:
    empty = entry(1, 1).taken(slice(0))
    offered = all_of(*(entry(key, at, logit) for key, (at, logit) in enumerate(made)))
    kept = merged(empty, offered, alive_since_ms=100, limit=limit).entries.pair_keys.tolist()
    worth = {
        key: (at - 100) / (1 + math.exp(-logit)) for key, (at, logit) in enumerate(made) if at > 99
    }
    assert set(kept) <= set(worth)
    assert len(kept) == min(limit, len(worth))
    left = [worth[key] for key in worth if key not in kept]
    assert max(left, default=0.0) <= min((worth[key] for key in kept), default=0.0) * (1 + 1e-9)


@given(st.permutations(range(12)), st.integers(1, 11))
def test_who_stays_does_not_depend_on_who_came_first(order: list[int], limit: int) -> None:
    offered = [entry(key, 100 + key // 4, logit=float(key % 2)) for key in order]
    kept = merged(offered[0], all_of(*offered[1:]), alive_since_ms=0, limit=limit).entries
    in_turn = merged(
        all_of(*offered[6:]), all_of(*offered[:6]), alive_since_ms=0, limit=limit
    ).entries
    assert kept.pair_keys.tolist() == in_turn.pair_keys.tolist()


@PRECISIONS
def test_merging_again_and_again_does_not_wear_entries_out(precision: Precision) -> None:
    first = random_entries(50, precision=precision)
    kept = first
    for round_ in range(20):
        other = random_entries(1, seed=round_, precision=precision, age_ms=10 - round_)
        merge = merged(kept, other, alive_since_ms=0, limit=60).entries
        kept = decode(page_bytes_of(merge)).entries()
    np.testing.assert_array_equal(kept.codes[1:], first.codes[1:])
    np.testing.assert_array_equal(kept.scale[1:], first.scale[1:])


def test_entries_of_two_precisions_are_not_mixed() -> None:
    with pytest.raises(ValueError, match="INT4 after some in INT8"):
        random_entries(1).followed_by(random_entries(1, precision=Precision.INT4))


@PRECISIONS
def test_entries_held_in_their_own_precision_are_the_same(precision: Precision) -> None:
    made = random_entries(3, precision=precision)
    assert made.held_in(precision) is made


def test_int8_holds_int4_without_quantising_it_again() -> None:
    made = random_entries(9, precision=Precision.INT4)
    held = made.held_in(Precision.INT8)
    assert held.precision is Precision.INT8
    np.testing.assert_array_equal(held.z(), made.z())
    np.testing.assert_array_equal(held.held_in(Precision.INT4).codes, made.codes)


keys = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 50)), max_size=40)


@given(keys, keys, st.integers(1, 20))
def test_merge_keeps_the_newest_of_each_pair_sorted(
    old: list[tuple[int, int]], new: list[tuple[int, int]], limit: int
) -> None:
    empty = entry(1, 1).taken(slice(0))
    old_entries, new_entries = (
        all_of(empty, *(entry(key, NOW_MS + at) for key, at in part)) for part in (old, new)
    )
    kept = merged(old_entries, new_entries, alive_since_ms=0, limit=limit).entries
    newest: dict[int, int] = {}
    for key, at in old + new:
        newest[key] = max(newest.get(key, 0), NOW_MS + at)
    held = dict(zip(kept.pair_keys.tolist(), kept.computed_at_ms.tolist(), strict=True))
    assert kept.pair_keys.tolist() == sorted(held)
    assert held.items() <= newest.items()
    assert sorted(held.values()) == sorted(newest.values())[-limit:]


def test_aggregate_is_the_mean_of_what_is_stored() -> None:
    made = random_entries(7, age_ms=90)
    aggregate = aggregate_of(made)
    np.testing.assert_allclose(aggregate.z, made.z().mean(axis=0), rtol=1e-6)
    assert (aggregate.pairs, aggregate.computed_at_ms) == (7, NOW_MS - 90)


def test_aggregate_of_nothing_counts_no_pairs() -> None:
    assert aggregate_of(random_entries(0)).pairs == 0


@given(
    st.sampled_from([(Precision.INT8, 127), (Precision.INT4, 7)]),
    st.integers(1, 64),
    st.floats(1e-20, 1e20),
    st.integers(0, 1000),
)
def test_integers_err_by_at_most_half_a_step(
    kind: tuple[Precision, int], dim: int, size: float, seed: int
) -> None:
    precision, largest = kind
    z = (np.random.default_rng(seed).normal(size=(5, dim)) * size).astype(np.float32)
    codes, scale = quantise(z, precision)
    assert np.abs(codes).max() == largest
    error = np.abs(restored(codes, scale) - z).max(axis=1)
    assert (error <= np.abs(z).max(axis=1) / (2 * largest) * 1.001).all()


@PRECISIONS
def test_zeros_stay_zeros_and_nothing_becomes_infinite(precision: Precision) -> None:
    z = np.array([[0.0, 0.0], [1e-40, 0.0], [1e30, -1e30]], np.float32)
    back = restored(*quantise(z, precision))
    assert back[0].tolist() == [0.0, 0.0]
    assert np.isfinite(back).all()


def test_entries_without_room_are_counted_and_those_past_their_time_are_not() -> None:
    old, new = entry(1, 10).followed_by(entry(2, 20)), entry(3, 30)
    assert merged(old, new, alive_since_ms=0, limit=2).dropped == 1
    assert merged(old, new, alive_since_ms=15, limit=2).dropped == 0
