"""A hundred times the demand, and a server that is slow to take it."""

import time
from typing import Any

import pytest

from tests.bundles import rank_body
from tests.faults.episode import NOISE, Episode, observe, say
from tests.faults.fault import EVAL, Fault
from tests.faults.stage import DEMAND_CAPACITY, Stage, stored_events
from tests.faults.switches import proxied
from tests.faults.traffic import CANDIDATES, known_users
from tests.faults.verdict import NEARLY_ALL, TRIES, check_events

pytestmark = [pytest.mark.redis, pytest.mark.slow, pytest.mark.alone]

TIMES = 100
SLOW = Fault(commands=EVAL, delay_s=0.5)
MAX_GROWTH_MB = 24.0


def strangers(number: int) -> dict[str, Any]:
    """Of whom every pair is missing."""
    user = f"stranger-{number}-{time.monotonic_ns()}"
    return rank_body(user, CANDIDATES, number % 50, deadline_ms=2000.0)


def one_stranger_in_a_hundred(number: int) -> dict[str, Any]:
    return (known_users if number % TIMES else strangers)(number)


def outcomes(stage: Stage) -> dict[str, float]:
    counted = stage.gateway.counted
    named = ("offered", "dropped", "sent")
    return {name: counted("understudy_demand_total", outcome=name) for name in named}


def flooded(stage: Stage) -> Episode:
    for _ in range(TRIES):
        slow = proxied(SLOW)(stage)
        name = f"{TIMES} times the demand, appends 500 ms late"
        episode = observe(stage, name, slow, (one_stranger_in_a_hundred, strangers))
        say(episode.row())
        if episode.p99_ms <= NOISE * episode.healthy_p99_ms:
            break
    return episode


def test_flood_of_demand_is_dropped_and_counted_and_no_answer_notices(stage: Stage) -> None:
    before = outcomes(stage)
    episode = flooded(stage)
    after = outcomes(stage)
    told = {name: after[name] - before[name] for name in after}
    say(f"  capacity {DEMAND_CAPACITY}: {told}\n")
    assert {answer.status for answer in episode.everything} == {200}
    assert episode.whole_share >= NEARLY_ALL
    assert told["dropped"] > told["offered"] / 4
    assert told["offered"] + told["dropped"] >= NEARLY_ALL * len(episode.during)
    assert told["sent"] > 0
    assert episode.p99_ms <= NOISE * episode.healthy_p99_ms
    assert episode.grew_mb < MAX_GROWTH_MB
    check_events(episode, stored_events(stage.server))
