from contextlib import suppress

import pytest

from server.admission import Admission, Cost, Room, Timing
from server.errors import DeadlineExceeded, Overloaded
from server.stages import StageClock

COST = Cost(per_request_ms=1.0, per_candidate_ms=0.01)


def test_cost_is_fitted_and_one_slow_answer_counts_little() -> None:
    timings = [Timing(n, 0.5 + 0.004 * n) for n in (1, 50, 200) for _ in range(3)]
    fitted = Cost.fit([*timings, Timing(200, 80.0)])
    assert fitted.per_request_ms == pytest.approx(0.5)
    assert fitted.per_candidate_ms == pytest.approx(0.004)


def test_cost_of_a_single_size_is_constant() -> None:
    assert Cost.fit([Timing(200, 1.0), Timing(200, 3.0)]) == Cost(2.0, 0.0)


def test_cost_is_never_negative() -> None:
    fitted = Cost.fit([Timing(1, 3.0), Timing(100, 1.0)])
    assert fitted.per_candidate_ms == 0.0


def test_work_is_counted_while_it_lasts_and_after_a_failure() -> None:
    admission = Admission(COST, Room(1000))
    with suppress(RuntimeError), admission.admit(200, StageClock(), 1e6):
        assert (admission.requests, admission.candidates) == (1, 200)
        raise RuntimeError
    assert (admission.requests, admission.candidates) == (0, 0)


def test_request_that_could_not_be_in_time_is_shed() -> None:
    admission = Admission(Cost(1000.0, 10.0), Room(10_000))
    with pytest.raises(Overloaded) as refused, admission.admit(200, StageClock(), 500.0):
        pass
    assert refused.value.field == "deadline_ms"
    assert refused.value.retry_after_s == 1


def test_queue_ahead_counts_against_the_deadline() -> None:
    admission = Admission(Cost(0.0, 10.0), Room(10_000))
    with admission.admit(100, StageClock(), 1500.0):  # needs 1000 ms
        with pytest.raises(Overloaded) as refused, admission.admit(100, StageClock(), 1500.0):
            pass
        assert refused.value.retry_after_s == 1


def test_too_many_candidates_in_work_are_shed_but_one_large_request_is_not() -> None:
    admission = Admission(Cost(0.0, 0.0), Room(300))
    with (
        admission.admit(1000, StageClock(), 1e6),
        pytest.raises(Overloaded, match="1000 candidates are in work"),
        admission.admit(1, StageClock(), 1e6),
    ):
        pass


def test_lanes_of_a_process_have_one_room() -> None:
    room = Room(300)
    stable, canary = (Admission(Cost(0.0, 0.0), room) for _ in range(2))
    with stable.admit(200, StageClock(), 1e6):
        assert (stable.candidates, canary.candidates, room.candidates) == (200, 0, 200)
        with canary.admit(100, StageClock(), 1e6), pytest.raises(Overloaded, match="300 candidat"):
            canary.admit(1, StageClock(), 1e6)
    assert room.candidates == 0


def test_deadline_already_past_is_said_so() -> None:
    clock = StageClock()
    clock.started_ns -= 50_000_000
    with pytest.raises(DeadlineExceeded), Admission(COST, Room(1000)).admit(1, clock, 49.0):
        pass


def test_work_that_takes_longer_than_foreseen_makes_room_earlier() -> None:
    admission = Admission(COST, Room(10_000))
    for _ in range(100):
        admission.worked(3, 300, 24.0)  # foreseen: 6 ms
    assert admission.slowness == pytest.approx(4.0, abs=0.1)
    with pytest.raises(Overloaded), admission.admit(100, StageClock(), 7.0):
        pass


def test_what_is_cheaper_together_makes_room_for_more() -> None:
    admission = Admission(COST, Room(10_000))
    for _ in range(100):
        admission.worked(10, 1000, 10.0)  # foreseen: 20 ms
    assert admission.slowness == pytest.approx(0.5, abs=0.01)
    with admission.admit(100, StageClock(), 1.5):  # alone: 2 ms
        pass


def test_request_that_was_alone_promises_nothing_cheaper() -> None:
    admission = Admission(COST, Room(10_000))
    for _ in range(100):
        admission.worked(1, 100, 0.5)  # foreseen: 2 ms, part of which is not the batch's
    assert admission.slowness == 1.0


def test_refusing_everything_does_not_last_for_ever() -> None:
    admission = Admission(COST, Room(10_000))
    admission.slowness = 8.0
    refused = 0
    for _ in range(200):
        with suppress(Overloaded), admission.admit(100, StageClock(), 6.0):
            break
        refused += 1
    assert 0 < refused < 150


def test_low_priority_is_refused_while_there_is_room_for_others() -> None:
    admission = Admission(Cost(0.0, 0.1), Room(10_000))
    with admission.admit(600, StageClock(), 100.0):  # in work: 60 ms
        with pytest.raises(Overloaded), admission.admit(100, StageClock(), 100.0, is_low=True):
            pass
        with admission.admit(100, StageClock(), 100.0):
            pass
    with admission.admit(100, StageClock(), 100.0, is_low=True):
        pass


def test_low_priority_leaves_half_of_the_room() -> None:
    admission = Admission(Cost(0.0, 0.0), Room(1000))
    with (
        admission.admit(450, StageClock(), 1e6),
        pytest.raises(Overloaded, match="500 may be before one of low priority"),
        admission.admit(100, StageClock(), 1e6, is_low=True),
    ):
        pass


def test_refusals_teach_nothing_while_there_is_work_to_learn_from() -> None:
    admission = Admission(COST, Room(10_000))
    with admission.admit(100, StageClock(), 1e6):
        for _ in range(500):
            with suppress(Overloaded), admission.admit(1000, StageClock(), 12.0):
                pass
    assert admission.slowness == 1.0
