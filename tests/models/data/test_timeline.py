import numpy as np

from models.data.timeline import Events, Timeline

HALF_LIFE_MS = 1_000.0


def timeline(owner: list[int], time_ms: list[int], outcome: list[int], owners: int) -> Timeline:
    events = Events(
        np.array(owner, np.int64),
        np.array(time_ms, np.int64),
        np.zeros(len(owner), np.int64),
        np.array(outcome, np.uint8),
    )
    return Timeline.of(events, owners, tasks=1, half_life_ms=HALF_LIFE_MS)


def before(kept: Timeline, owner: int, instant_ms: int) -> tuple[int, list[float]]:
    span = kept.before(np.array([owner]), np.array([instant_ms]))
    return int(span.end[0] - span.start[0]), kept.counters(span).counters[0].tolist()


def test_an_event_counts_from_the_next_instant_on() -> None:
    kept = timeline([0], [5_000], [3], owners=1)
    assert before(kept, 0, 4_999) == (0, [0.0, 0.0])
    assert before(kept, 0, 5_000) == (0, [0.0, 0.0])
    assert before(kept, 0, 5_001) == (1, [1.0, 1.0])


def test_owners_do_not_see_each_other() -> None:
    kept = timeline([1, 0, 1], [5_000, 6_000, 7_000], [1, 3, 1], owners=3)
    assert before(kept, 0, 10_000) == (1, [1.0, 1.0])
    assert before(kept, 1, 6_500) == (1, [1.0, 0.0])
    assert before(kept, 1, 7_001)[1] == [1.25, 0.0]
    assert before(kept, 2, 10_000) == (0, [0.0, 0.0])


def test_instants_before_and_after_all_events_are_allowed() -> None:
    kept = timeline([0, 1], [5_000, 6_000], [1, 1], owners=2)
    assert before(kept, 1, -(1 << 40)) == (0, [0.0, 0.0])
    assert before(kept, 0, 1 << 50) == (1, [1.0, 0.0])


def test_events_may_be_given_in_any_order() -> None:
    ordered = timeline([0, 0, 1], [1_000, 2_000, 1_500], [1, 3, 1], owners=2)
    mixed = timeline([0, 1, 0], [2_000, 1_500, 1_000], [3, 1, 1], owners=2)
    assert ordered.after.counters.tolist() == mixed.after.counters.tolist()
    assert mixed.order.tolist() == [2, 0, 1]


def test_nothing_happened_to_anybody() -> None:
    kept = timeline([], [], [], owners=2)
    assert before(kept, 1, 5_000) == (0, [0.0, 0.0])
