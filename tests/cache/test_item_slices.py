from collections import defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cache.item_slices import MAX_SLICES, SLICES, Slices, means_of, slice_dtype, slice_ms
from tests.cache.pages import NOW_MS

DIM, WIDTH_MS = 3, 100
ENTRIES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 500)), max_size=30)


def slices_of(entries: list[tuple[int, int]], seed: int = 0) -> tuple[Slices, np.ndarray]:
    z = np.random.default_rng(seed).normal(size=(len(entries), DIM)).astype(np.float32)
    item = np.array([item for item, _ in entries], np.int64)
    at_ms = np.array([NOW_MS + at for _, at in entries], np.int64)
    return Slices.of(item, at_ms, z, WIDTH_MS), z


@given(ENTRIES, ENTRIES, st.integers(0, 500))
def test_mean_is_that_of_all_entries_of_live_slices(
    old: list[tuple[int, int]], new: list[tuple[int, int]], since: int
) -> None:
    (held, old_z), (fresh, new_z) = slices_of(old), slices_of(new, seed=1)
    told = means_of(held.merged(fresh).after(NOW_MS + since))
    expected = defaultdict(list)
    for (item, at), z in zip([*old, *new], [*old_z, *new_z], strict=True):
        if (NOW_MS + at) // WIDTH_MS * WIDTH_MS > NOW_MS + since:
            expected[item].append((at, z))
    assert told.items.tolist() == sorted(expected)
    for item, newest_ms, mean in zip(*told, strict=True):
        times, vectors = zip(*expected[item], strict=True)
        assert newest_ms == NOW_MS + max(times)
        np.testing.assert_allclose(mean, np.mean(vectors, axis=0), rtol=1e-5, atol=1e-6)


@given(ENTRIES, st.integers(4, 6))
def test_packed_values_are_the_slices_again(entries: list[tuple[int, int]], items: int) -> None:
    slices, _ = slices_of(entries)
    values = slices.packed(items)
    again = Slices.unpacked(values, DIM)
    np.testing.assert_array_equal(again.item, slices.item)
    assert again.rows.tobytes() == slices.rows.tobytes()
    assert [not value for value in values] == [
        item not in slices.item.tolist() for item in range(items)
    ]


@given(ENTRIES, st.sets(st.integers(0, 4)))
def test_part_is_numbered_by_its_own_items(entries: list[tuple[int, int]], kept: set[int]) -> None:
    slices, _ = slices_of(entries)
    items = np.array(sorted(kept), np.int64)
    part = slices.only(items)
    assert items[part.item].tolist() == [item for item in slices.item.tolist() if item in kept]


def test_damaged_value_counts_as_none() -> None:
    whole = slices_of([(0, 1)])[0].packed(1)[0]
    many = (MAX_SLICES + 1) * whole
    told = Slices.unpacked([whole[:-1], None, whole, b"", many], DIM)
    assert told.item.tolist() == [2]
    assert len(Slices.unpacked([whole], DIM + 1).item) == 0


def test_no_entry_outlives_the_hard_ttl() -> None:
    width_ms = slice_ms(86_400.0)
    assert width_ms * SLICES == 86_400_000
    entry_ms = NOW_MS // width_ms * width_ms + width_ms - 1
    slices = Slices.of(np.zeros(1, np.int64), np.array([entry_ms]), np.ones((1, 1), "f4"), width_ms)
    leaves_ms = next(
        at
        for at in range(entry_ms, entry_ms + 86_400_001, 1_000_000)
        if not len(slices.after(at - 86_400_000).item)
    )
    assert 86_400_000 - width_ms <= leaves_ms - entry_ms <= 86_400_000


def test_a_slice_takes_the_bytes_that_the_docs_say() -> None:
    assert slice_dtype(32).itemsize == 148
