import numpy as np
import pytest

from cache.events import Event
from cache.record import MAX_HISTORY, UserRecord, empty_record
from cache.refresh.fold import folded, in_order, outcome_bit
from models.features.counters import observed
from models.features.hashing import key64

TASKS = ("click", "conversion")
HALF_LIFE_MS = 1000.0


def shown(item: str, at: int, event_id: str | None = None) -> Event:
    return Event(event_id or f"i-{item}-{at}", "impression", "u", item, at)


def clicked(item: str, at: int, kind: str = "click") -> Event:
    return Event(f"{kind}-{item}-{at}", kind, "u", item, at)


def record_after(*events: Event, record: UserRecord | None = None) -> UserRecord:
    begun = record or empty_record(1, 1, 2, fingerprint=5)
    return folded(begun, in_order(events), TASKS, HALF_LIFE_MS).record


def history(record: UserRecord) -> list[tuple[int, int, int]]:
    columns = (record.items.tolist(), record.times_ms.tolist(), record.outcomes.tolist())
    return list(zip(*columns, strict=True))


def test_impressions_and_what_followed_become_history() -> None:
    record = record_after(shown("a", 10), shown("b", 20), clicked("a", 30))
    assert history(record) == [(key64("a"), 10, 3), (key64("b"), 20, 1)]


def test_conversion_adds_its_bit_to_the_click() -> None:
    record = record_after(shown("a", 10), clicked("a", 20), clicked("a", 30, "conversion"))
    assert history(record) == [(key64("a"), 10, 7)]


def test_click_belongs_to_the_newest_impression_of_its_item() -> None:
    record = record_after(shown("a", 10), shown("b", 15), shown("a", 20), clicked("a", 30))
    assert [outcome for _, _, outcome in history(record)] == [1, 1, 3]


def test_counters_decay_as_offline() -> None:
    record = record_after(shown("a", 10), clicked("a", 400), shown("b", 2000))
    counts, at = [0.0, 0.0, 0.0], 0
    for now, outcome in ((10, 1), (400, 2), (2000, 1)):
        counts, at = observed(counts, at, now, outcome, HALF_LIFE_MS)
    assert record.counters.tolist() == counts
    assert record.counters_at == at == 2000


def test_click_without_an_impression_counts_alone() -> None:
    record = record_after(clicked("a", 10))
    assert history(record) == []
    assert record.counters.tolist() == [0.0, 1.0, 0.0]


def test_click_that_overtook_its_impression_within_a_batch_finds_it() -> None:
    record = record_after(clicked("a", 10), shown("a", 10))
    assert history(record) == [(key64("a"), 10, 3)]


def test_late_impression_takes_its_place_in_time() -> None:
    record = record_after(shown("c", 5), record=record_after(shown("a", 1), shown("b", 9)))
    assert [at for _, at, _ in history(record)] == [1, 5, 9]


def test_event_is_counted_once() -> None:
    events = [shown("a", 10), clicked("a", 20)]
    once = record_after(*events)
    again = folded(once, in_order([*events, events[0]]), TASKS, HALF_LIFE_MS)
    assert again.duplicates == 3
    assert again.counted == []
    np.testing.assert_array_equal(again.record.counters, once.counters)


def test_ids_are_remembered_for_64_events() -> None:
    record = record_after(*(shown("a", n, event_id=f"e{n}") for n in range(65)))
    assert len(record.event_ids) == 64
    again = folded(record, [shown("a", 1, event_id="e1"), shown("a", 0, event_id="e0")], TASKS, 1e9)
    assert [event.timestamp_ms for event in again.counted] == [0]


def test_history_keeps_the_newest_events() -> None:
    record = record_after(*(shown("a", n) for n in range(MAX_HISTORY + 50)))
    assert len(record.items) == MAX_HISTORY
    assert record.times_ms[-1] == MAX_HISTORY + 49


def test_new_events_are_told_for_their_items() -> None:
    begun = empty_record(1, 1, 2, fingerprint=5)
    result = folded(begun, [shown("a", 10), clicked("a", 20)], TASKS, HALF_LIFE_MS)
    told = [(event.item_key, event.timestamp_ms, event.outcome) for event in result.counted]
    assert told == [(key64("a"), 10, 1), (key64("a"), 20, 2)]


def test_profile_is_left_as_it_was() -> None:
    begun = empty_record(1, 1, 2, fingerprint=5)._replace(columns=np.array([77], np.uint64))
    assert record_after(shown("a", 1), record=begun).columns.tolist() == [77]


def test_kind_that_is_no_task_is_an_error() -> None:
    assert outcome_bit("conversion", TASKS) == 4
    with pytest.raises(ValueError, match="tuple"):
        outcome_bit("like", TASKS)
