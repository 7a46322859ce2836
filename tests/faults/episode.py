"""Health, a fault, recovery: what one run of traffic saw of it."""

import math
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Final, NamedTuple

import numpy as np

from tests.faults.stage import CACHE_TIMEOUT_MS, Stage
from tests.faults.traffic import Answered, Body, Reported, Traffic, known_users
from tests.server.live import wait_until

SETTLE_S: Final = 0.2
HEALTHY_S: Final = 0.7
FAULT_S: Final = 1.3
AFTER_S: Final = 0.4
NOISE: Final = 5.0
"""A p99 of a hundred answers is nearly their worst, and the machine does other things."""


class Episode(NamedTuple):
    name: str
    healthy: Sequence[Answered]
    """Before the fault, and once all was well again."""
    during: Sequence[Answered]
    everything: Sequence[Answered]
    reported: Sequence[Reported]
    began_s: float
    lifted_s: float
    recovered_s: float
    """From the end of the fault to the first of many whole answers, and to events kept."""
    grew_mb: float
    """The gateway's resident memory."""

    @property
    def reasons(self) -> Counter[str]:
        return Counter(reason for answer in self.during for reason in answer.reasons)

    @property
    def whole_share(self) -> float:
        return sum(answer.is_whole for answer in self.during) / len(self.during)

    @property
    def healthy_p99_ms(self) -> float:
        return p99_ms(self.healthy)

    @property
    def p99_ms(self) -> float:
        return p99_ms(self.during)

    @property
    def is_in_time(self) -> bool:
        return self.p99_ms <= CACHE_TIMEOUT_MS + NOISE * self.healthy_p99_ms

    def events(self, status: int, begin_s: float = 0.0, end_s: float = math.inf) -> set[str]:
        return {
            report.event_id
            for report in self.reported
            if report.status == status and begin_s <= report.due_s < end_s
        }

    def row(self) -> str:
        said = ", ".join(f"{reason} {count}" for reason, count in self.reasons.most_common())
        lateness = f"{self.p99_ms:.1f} ÷ {self.healthy_p99_ms:.1f}"
        ratio = self.p99_ms / self.healthy_p99_ms
        kept = len(self.events(202, self.began_s, self.lifted_s))
        refused = len(self.events(503, self.began_s, self.lifted_s))
        return (
            f"| {self.name} | {len(self.during)} × 200: {said or 'nothing'} "
            f"| {kept} / {refused} | {lateness} = {ratio:.1f} "
            f"| {self.recovered_s:.2f} s | {self.grew_mb:+.1f} MB |\n"
        )


def p99_ms(answers: Sequence[Answered]) -> float:
    return float(np.percentile([answer.took_ms for answer in answers], 99))


def passes(seconds: float) -> float:
    """The time then. The length of a phase, not a wait for something."""
    time.sleep(seconds)
    return time.monotonic()


@contextmanager
def traffic_on(stage: Stage, body: Body) -> Iterator[Traffic]:
    traffic = Traffic(stage.thread, stage.gateway.url, body)
    traffic.start()
    try:
        yield traffic
    finally:
        traffic.stop()


def observe(
    stage: Stage,
    name: str,
    fault: AbstractContextManager[None],
    bodies: tuple[Body, Body] = (known_users, known_users),
) -> Episode:
    """`bodies` of health and of the fault."""
    before_mb = stage.gateway.memory_mb()
    with traffic_on(stage, bodies[0]) as traffic:
        warm_s = passes(SETTLE_S)
        calm_s = passes(HEALTHY_S)
        traffic.body = bodies[1]
        with fault:
            began_s = time.monotonic()
            ended_s = passes(FAULT_S)
        traffic.body = bodies[0]
        lifted_s = time.monotonic()
        well_s = _well_again(traffic, lifted_s)
        passes(AFTER_S)
    return Episode(
        name,
        healthy=[*traffic.between(warm_s, calm_s), *traffic.between(well_s, math.inf)],
        during=traffic.between(began_s, ended_s),
        everything=traffic.answered,
        reported=traffic.reported,
        began_s=began_s,
        lifted_s=lifted_s,
        recovered_s=well_s - lifted_s,
        grew_mb=stage.gateway.memory_mb() - before_mb,
    )


def _well_again(traffic: Traffic, lifted_s: float) -> float:
    """Reading and writing."""
    wait_until(lambda: traffic.whole_since(lifted_s), "whole answers")
    wait_until(lambda: traffic.kept_since(lifted_s), "events to be kept")
    return max(traffic.whole_since(lifted_s) or 0.0, traffic.kept_since(lifted_s) or 0.0)


def say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
