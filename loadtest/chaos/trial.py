"""One scenario on one site: an open-loop load, the harm, and what was seen of both."""

import asyncio
import gc
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from loadtest.chaos.callers import Callers, Failure
from loadtest.chaos.crowds import READERS, Body, Visitors
from loadtest.chaos.harms import inflict
from loadtest.chaos.look import Look, Settled, settle
from loadtest.chaos.scenario import Chaos
from loadtest.chaos.site import Killed, Site
from loadtest.errors import LoadTestError
from loadtest.open_loop import TIMEOUT_S, Exchange, drive
from loadtest.run.answers import Sample, sample_of
from loadtest.run.arrivals import arrivals
from loadtest.run.faults import Mark, first_answers
from loadtest.run.figures import Cost, describe
from loadtest.run.payloads import encoded
from loadtest.run.samples import Recorder, Samples

READERS_RATE: Final = 5.0
CALM_WITHIN_S: Final = 30.0
COVERED: Final = 0.8
DEGRADED: Final = 0.1
OPENED_S: Final = 0.1
"""A connection that was opened so shortly before its worker was stopped may not be taken yet."""


class NotCalm(LoadTestError):
    """Before anything was harmed."""


class Plan(NamedTuple):
    """Of all scenarios alike."""

    bodies: Sequence[Body]
    rate: float
    seconds: float | None = None  # None: the scenario's own
    seed: int = 7

    def requests(self, chaos: Chaos) -> list[bytes]:
        return encoded(self.bodies[: chaos.distinct], "json", None)


class Loaded(NamedTuple):
    kept: list[Sample]
    samples: Samples
    marks: list[Mark]
    figures: dict[str, Any]


class Trial(NamedTuple):
    chaos: Chaos
    seconds: float
    loaded: Loaded
    failed: list[Failure]
    lost: list[Failure]  # in flight in a process that was killed
    visitors: dict[str, Counter[int]]
    before: Look
    after: Look
    settled: Settled


async def execute(chaos: Chaos, site: Site, plan: Plan) -> Trial:
    """Raises NotCalm, and LoadTestError where a harm could not be done."""
    seconds = plan.seconds or chaos.seconds
    requests = plan.requests(chaos)
    visitors = Visitors(site.url, plan.bodies[: chaos.distinct])
    async with Callers(site.url) as callers:
        await calm(callers, requests, plan.rate)
        callers.failures.clear()
        site.killed.clear()
        before = Look.at(site)
        async with visitors.coming(READERS, READERS_RATE):
            loaded = await _loaded(chaos, site, plan, callers, visitors)
        settled = await settle(site, len(before.workers), chaos.settle_s)
        after = Look.at(site)
    lost = [failure for failure in callers.failures if is_excused(failure, site.killed)]
    failed = [failure for failure in callers.failures if failure not in lost]
    return Trial(
        chaos, seconds, loaded, failed, lost, visitors.statuses, before, after, settled
    )  # fmt: skip


async def calm(callers: Callers, requests: Sequence[bytes], rate: float) -> None:
    """Until a second's answers are whole, and their hints are there. Raises NotCalm."""
    until_s, second = time.monotonic() + CALM_WITHIN_S, 0
    while time.monotonic() < until_s:
        kept: list[Sample] = []
        due_s = arrivals(((0.0, 1.0), (1.0, 1.0)), max(rate, 2.0), 1.0, second)
        turned = [*requests[second * int(rate) % len(requests) :], *requests]

        def keep(exchange: Exchange, kept: list[Sample] = kept) -> None:
            kept.append(sample_of(exchange))

        await drive(callers, turned, due_s.tolist(), keep)
        if is_calm(kept):
            return
        second += 1
    covered = sum(each.covered for each in kept) / len(kept)
    raise NotCalm(
        f"after {CALM_WITHIN_S:g} s of load {sum(each.status == 200 for each in kept)} of "
        f"{len(kept)} requests are answered and {covered:.0%} of their candidates are covered: "
        "give a lower --rate, or a machine that does nothing else"
    )


def is_calm(kept: Sequence[Sample]) -> bool:
    answered = [each for each in kept if each.status == 200]
    if len(answered) < len(kept):
        return False
    degraded = sum(bool(each.degraded) for each in answered) / len(answered)
    covered = sum(each.covered for each in answered) / len(answered)
    return degraded <= DEGRADED and covered >= COVERED


async def _loaded(
    chaos: Chaos, site: Site, plan: Plan, callers: Callers, visitors: Visitors
) -> Loaded:
    recorder, kept = Recorder(), list[Sample]()
    seconds, requests = plan.seconds or chaos.seconds, plan.requests(chaos)

    def keep(exchange: Exchange) -> None:
        kept.append(sample_of(exchange))
        recorder.add(kept[-1])

    due_s = arrivals(chaos.profile, plan.rate, seconds, plan.seed).tolist()
    gc.collect()
    gc.freeze()
    cpu_s, started_s = time.process_time(), time.monotonic()
    acting = asyncio.gather(
        *(inflict(harm, site, visitors, seconds, started_s) for harm in chaos.harms)
    )
    try:
        elapsed_s = await drive(callers, requests, due_s, keep)
        cost = Cost(time.process_time() - cpu_s, 1)
        marks = await acting
    finally:
        gc.unfreeze()
        acting.cancel()
        await asyncio.gather(acting, return_exceptions=True)
    samples = recorder.samples()
    return Loaded(
        kept, samples, [*marks, *first_answers(samples)], describe(samples, elapsed_s, cost)
    )


def is_excused(failure: Failure, killed: Sequence[Killed]) -> bool:
    """In flight in a worker when it was killed: on a connection that it had, or that the kernel
    held ready for it."""
    return any(
        each.from_s <= failure.at_s <= each.at_s + TIMEOUT_S
        and (
            failure.port in each.ports
            or each.from_s - OPENED_S <= failure.opened_s <= each.at_s
        )
        for each in killed
    )  # fmt: skip
