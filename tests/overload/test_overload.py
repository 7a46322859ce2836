"""More load than the model can take: counts and orders, for machines that do other things too."""

from statistics import median
from typing import Any

import pytest

from tests.overload.slow_gateway import CAPACITY
from tests.overload.surge import Answered, Surge

pytestmark = [pytest.mark.slow, pytest.mark.alone]

SECONDS = 3.0


def shares(answers: list[Answered], status: int) -> float:
    return len(with_status(answers, status)) / len(answers)


def with_status(answers: list[Answered], status: int) -> list[Answered]:
    return [answer for answer in answers if answer.status == status]


def test_what_is_too_much_is_refused_and_the_rest_is_answered_in_time(surge: Surge) -> None:
    within = surge.send((0.7 * CAPACITY, SECONDS))
    assert shares(within, 200) > 0.8

    above = surge.send((3.0 * CAPACITY, SECONDS))
    answered, refused = with_status(above, 200), with_status(above, 429)
    # Nothing else than an answer or a refusal; few learn only in the queue that it was too much.
    assert shares(above, 504) < 0.1
    assert len(answered) + len(refused) + len(with_status(above, 504)) == len(above)
    # The model is not kept from its work by those that are refused.
    assert len(answered) > 0.8 * len(within)
    assert sum(answer.is_late for answer in answered) < 0.2 * len(answered)
    assert median(a.took_ms for a in refused) < median(a.took_ms for a in answered)
    assert all(int(answer.said["status"]) == 429 for answer in refused)


def test_everything_is_answered_again_two_seconds_after_the_load_falls(surge: Surge) -> None:
    answers = surge.send((3.0 * CAPACITY, SECONDS), (0.4 * CAPACITY, 2.0), (0.4 * CAPACITY, 2.0))
    later = [answer for answer in answers if answer.due_s > SECONDS + 2.0]
    assert later
    assert shares(later, 200) > 0.95


def test_low_priority_gives_way(surge: Surge) -> None:
    def fields(number: int) -> dict[str, Any]:
        return {"priority": "low" if number % 2 else "normal"}

    answers = surge.send((1.4 * CAPACITY, SECONDS), fields=fields)
    # By number: answers come in the order of sending.
    normal, low = answers[0::2], answers[1::2]
    assert shares(normal, 200) > 0.6
    assert shares(low, 200) < 0.75 * shares(normal, 200)
    assert shares(low, 504) < 0.1


def test_caller_with_less_time_is_refused_before_one_with_more(surge: Surge) -> None:
    def fields(number: int) -> dict[str, Any]:
        return {"deadline_ms": 60.0 if number % 2 else 600.0}

    answers = surge.send((1.6 * CAPACITY, SECONDS), fields=fields)
    assert shares(answers[1::2], 200) < shares(answers[0::2], 200)
