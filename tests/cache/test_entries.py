import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.entries import Entries, aggregate_of, merged
from cache.quantise import Precision, quantise, restored
from tests.cache.pages import NOW_MS, random_entries

PRECISIONS = pytest.mark.parametrize("precision", list(Precision))


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
    both = merged(entry(1, 10, 0.1), entry(1, 20, 0.2), alive_since_ms=0, limit=9)
    assert both.logit == pytest.approx(np.array([[0.2]]))


def test_late_writer_does_not_undo_a_newer_entry() -> None:
    both = merged(entry(1, 20, 0.2), entry(1, 10, 0.1), alive_since_ms=0, limit=9)
    assert both.computed_at_ms.tolist() == [20]
    assert both.logit == pytest.approx(np.array([[0.2]]))


def test_of_equally_old_entries_the_new_one_stays() -> None:
    both = merged(entry(1, 10, 0.1), entry(1, 10, 0.9), alive_since_ms=0, limit=9)
    assert both.logit == pytest.approx(np.array([[0.9]]))


def test_expired_entries_leave() -> None:
    both = merged(entry(1, 10), entry(2, 20), alive_since_ms=11, limit=9)
    assert both.pair_keys.tolist() == [2]


def test_past_the_limit_the_oldest_leave_first() -> None:
    old, new = all_of(entry(1, 10, 9.0), entry(3, 30)), all_of(entry(2, 20), entry(4, 40))
    assert merged(old, new, alive_since_ms=0, limit=3).pair_keys.tolist() == [2, 3, 4]


def test_of_equally_old_entries_the_lowest_logits_leave() -> None:
    old, new = all_of(entry(5, 10, 0.5), entry(6, 10, -2.0)), entry(7, 10, 1.0)
    assert merged(old, new, alive_since_ms=0, limit=2).pair_keys.tolist() == [5, 7]


@PRECISIONS
def test_merging_again_and_again_does_not_wear_entries_out(precision: Precision) -> None:
    first = random_entries(50, precision=precision)
    kept = first
    for round_ in range(20):
        other = random_entries(1, seed=round_, precision=precision, age_ms=10 - round_)
        kept = merged(kept, other, alive_since_ms=0, limit=60)
    np.testing.assert_array_equal(kept.codes[1:], first.codes[1:])
    np.testing.assert_array_equal(kept.scale[1:], first.scale[1:])


keys = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 50)), max_size=40)


@given(keys, keys, st.integers(1, 20))
def test_merge_keeps_the_newest_of_each_pair_sorted(
    old: list[tuple[int, int]], new: list[tuple[int, int]], limit: int
) -> None:
    empty = entry(1, 1).taken(slice(0))
    old_entries, new_entries = (
        all_of(empty, *(entry(key, NOW_MS + at) for key, at in part)) for part in (old, new)
    )
    kept = merged(old_entries, new_entries, alive_since_ms=0, limit=limit)
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


@given(st.integers(1, 64), st.floats(1e-20, 1e20), st.integers(0, 1000))
def test_int8_errs_by_at_most_half_a_step(dim: int, size: float, seed: int) -> None:
    z = (np.random.default_rng(seed).normal(size=(5, dim)) * size).astype(np.float32)
    codes, scale = quantise(z, Precision.INT8)
    error = np.abs(restored(codes, scale) - z).max(axis=1)
    assert (error <= np.abs(z).max(axis=1) / 254 * 1.001).all()


@PRECISIONS
def test_zeros_stay_zeros_and_nothing_becomes_infinite(precision: Precision) -> None:
    z = np.array([[0.0, 0.0], [1e-40, 0.0], [1e30, -1e30]], np.float32)
    back = restored(*quantise(z, precision))
    assert back[0].tolist() == [0.0, 0.0]
    assert np.isfinite(back).all()
