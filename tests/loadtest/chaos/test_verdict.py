from collections import Counter
from typing import Any

import pytest

from loadtest.chaos.callers import NEVER, Failure
from loadtest.chaos.look import Settled
from loadtest.chaos.matrix import skipped
from loadtest.chaos.site import Killed
from loadtest.chaos.trial import is_excused
from loadtest.chaos.verdict import broken, exit_code, is_hard, judged, outcome
from tests.loadtest.chaos.trials import CALM, chaos_of, rows, trial

FAILURE = Failure(at_s=10.0, opened_s=1.0, port=4000, why="reset")
KILLED = Killed(from_s=9.9, at_s=9.95, ports=frozenset({4000}))
KILL = {"act": "kill", "process": "worker", "from": 0.3}


def test_what_holds_ends_with_0() -> None:
    told = judged(trial())
    assert broken(told) == []
    assert (outcome(told), exit_code([told])) == ("held", 0)


def test_one_failed_request_is_one_too_many() -> None:
    told = judged(trial(failed=[FAILURE]))
    assert broken(told) == ["1 of 500 requests failed: {'reset': 1}"]
    assert is_hard(told)
    assert exit_code([judged(trial()), told]) == 1


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"settled": Settled(None, "7 demanded pairs are unsettled")}, "7 demanded pairs"),
        ({"after": CALM._replace(memory_mb=300.0)}, "memory grew by 100.0 MB"),
        ({"kept": rows(latency_ms=5.0)[:150]}, "well after –"),
    ],
)
def test_what_may_be_chance_is_tried_again(change: dict[str, Any], named: str) -> None:
    told = judged(trial(**change))
    assert any(named in text for text in broken(told))
    assert not is_hard(told)


def test_late_answers_outside_break_the_budget() -> None:
    assert broken(judged(trial(), p99_ms=4.0)) == ["p99 outside 5.00 ms, at most 4 ms"]


def test_answers_have_to_name_what_they_lack() -> None:
    silent = judged(trial(chaos=chaos_of(says="cache:")))
    assert broken(silent) == ["0% of the answers said cache:, at least 80%"]
    said = judged(trial(rows(degraded=["cache:timeout"]), chaos_of(says="cache:")))
    assert broken(said) == []


@pytest.mark.parametrize("gone", [{"ingest": 7}, {"gateway": 7}])
def test_a_process_that_nobody_killed_lives_on(gone: dict[str, int]) -> None:
    told = judged(trial(after=CALM._replace(pids={**CALM.pids, **gone})))
    assert broken(told) == [f"{next(iter(gone))} ended unharmed"]


def test_a_killed_worker_may_be_another_and_a_second_one_may_not() -> None:
    one = CALM._replace(workers=frozenset({4, 9}))
    both = CALM._replace(workers=frozenset({8, 9}))
    killed = chaos_of(KILL)
    assert broken(judged(trial(chaos=killed, until_s=None, after=one))) == []
    assert broken(judged(trial(chaos=killed, until_s=None, after=both))) == [
        "2 workers ended unharmed"
    ]
    assert broken(judged(trial(after=one))) == ["1 workers ended unharmed"]


def test_a_traceback_in_the_log_breaks_it() -> None:
    told = judged(trial(after=CALM._replace(tracebacks=2)))
    assert broken(told) == ["2 tracebacks in the gateway's log"]


def test_visitors_get_what_is_theirs() -> None:
    statuses = {"rubbish": Counter({400: 5, 422: 3}), "events": Counter({202: 5, 503: 3})}
    assert broken(judged(trial(visitors=statuses))) == []
    wrong = judged(trial(visitors={"rubbish": Counter({500: 1})}))
    assert broken(wrong) == ["rubbish were answered with {'500': 1}"]


def test_what_was_in_flight_in_a_killed_worker_is_excused_and_nothing_else() -> None:
    assert is_excused(FAILURE, [KILLED])
    assert not is_excused(FAILURE, [])
    assert not is_excused(FAILURE._replace(port=4001), [KILLED])
    assert not is_excused(FAILURE._replace(at_s=9.0), [KILLED])
    assert not is_excused(FAILURE._replace(at_s=12.5), [KILLED])
    assert not is_excused(FAILURE._replace(port=0, opened_s=NEVER), [KILLED])
    waiting = FAILURE._replace(port=4001, opened_s=9.92)  # the kernel had taken it
    assert is_excused(waiting, [KILLED])


def test_a_scenario_that_cannot_run_is_skipped_by_name() -> None:
    told = skipped(chaos_of({"act": "rollout", "from": 0.1}), "needs --to")
    assert outcome(told) == "skipped"
    assert exit_code([told]) == 0


def test_an_answer_past_its_deadline_is_late_and_not_failed() -> None:
    told = judged(trial(rows(status=504)))
    assert told["failed"] == 0
    assert broken(told) == ["100 were given up past their deadline (504)"]
    assert not is_hard(told)
