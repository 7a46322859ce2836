import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cache.quantise_int4 import unpack
from cache.sequence import (
    MAX_AGE_MS,
    Impressions,
    Past,
    PastSequence,
    Spoken,
    lengthened,
    read,
    unspoken,
)
from tests.cache.pages import NOW_MS, random_sequence

DIM = 5
TIMES = st.lists(st.integers(0, 60), max_size=12).map(sorted)


def spoken(times: list[int], value: float = 0.5) -> Spoken:
    return Spoken(np.array(times, np.int64), np.full((len(times), DIM), value, np.float32))


def times_of(sequence: PastSequence) -> list[int]:
    return [int(at) for at in sequence.at_ms()]


@given(TIMES, TIMES, st.integers(0, 8), st.integers(0, 60))
def test_sequence_is_the_newest_of_what_was_said_in_turn(
    first: list[int], second: list[int], limit: int, alive_since: int
) -> None:
    held = lengthened(None, spoken(first), alive_since_ms=1, limit=8)
    made = lengthened(held, spoken(second), alive_since_ms=alive_since, limit=limit)
    last = max([at for at in first if at >= 1], default=0)
    both = times_of(held) + [at for at in second if at > last]
    expected = [at for at in both if at >= alive_since]
    assert times_of(made) == expected[max(0, len(expected) - limit) :]


@given(TIMES, TIMES, st.integers(0, 60), st.integers(0, 8))
def test_impressions_are_spoken_of_once(
    before: list[int], shown: list[int], since: int, limit: int
) -> None:
    held = lengthened(None, spoken([at + 1 for at in before]), alive_since_ms=0, limit=20)
    past = Impressions(np.array(shown, np.uint64) + np.uint64(100), np.array(shown, np.int64))
    found = unspoken(past, held, since_ms=since, limit=limit)
    wanted = [at for at in shown if at > held.newest_ms and at >= since]
    wanted = wanted[max(0, len(wanted) - limit) :]
    assert found.at_ms.tolist() == wanted
    assert found.items.tolist() == [at + 100 for at in wanted]


def test_row_that_is_not_finite_is_left_out() -> None:
    said = spoken([1, 2, 3])
    said.z[1, 2] = np.nan
    assert times_of(lengthened(None, said, alive_since_ms=0, limit=8)) == [1, 3]


def test_entry_too_old_for_the_format_is_left_out() -> None:
    held = lengthened(None, spoken([5]), alive_since_ms=0, limit=8)
    made = lengthened(held, spoken([6 + MAX_AGE_MS]), alive_since_ms=0, limit=8)
    assert times_of(made) == [6 + MAX_AGE_MS]


def test_read_puts_each_word_on_its_event_and_none_on_newer_ones() -> None:
    said = random_sequence(6, dim=DIM)
    events = np.append(said.at_ms(), [NOW_MS + 1, NOW_MS + 2])
    told = read([Past(said, events), Past(None, events), Past(said, events[:2])], 5, DIM)
    assert told.said.tolist() == [[1, 1, 1, 0, 0], [0] * 5, [0] * 5]
    np.testing.assert_array_equal(told.z[0, :3], unpack(said.codes, DIM)[-3:])
    assert not told.z[0, 3:].any()
    assert not told.z[1:].any()


def test_read_of_a_longer_or_shorter_history_than_the_sequence() -> None:
    said = random_sequence(3, dim=DIM)
    older = np.append(NOW_MS - 90_000, said.at_ms())
    told = read([Past(said, older), Past(said, said.at_ms()[1:])], 6, DIM)
    assert told.said.tolist() == [[0, 0, 0, 1, 1, 1], [0, 0, 0, 0, 1, 1]]
    np.testing.assert_array_equal(told.z[1, 4:], unpack(said.codes, DIM)[1:])


def test_event_that_came_late_leaves_those_before_it_without_a_word() -> None:
    said = random_sequence(3, dim=DIM)
    late = np.insert(said.at_ms(), 2, NOW_MS - 500)
    told = read([Past(said, late)], 4, DIM)
    assert told.said.tolist() == [[0, 0, 0, 1]]


def test_all_newer_than_the_sequence_or_no_history_reads_as_nothing() -> None:
    said = random_sequence(3, dim=DIM)
    none = np.zeros(0, np.int64)
    told = read([Past(said, NOW_MS + np.arange(1, 9)), Past(said, none)], 4, DIM)
    assert not told.said.any()
