"""Requests answered by two lanes in turn, and what their answers say of the one that is tried."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median
from time import perf_counter, perf_counter_ns
from typing import Final, NamedTuple

import msgspec
import numpy as np

from models.features.records import F64, Arrays
from server.errors import ServingError
from server.lane import Lane
from server.ranked import Ranked
from server.stages import StageClock
from server.wire import RankRequest

ROUNDS: Final = 3
LEAST_S: Final = 0.3
"""Of rounds, however short: another process may have the core for tens of milliseconds."""
DEADLINE_MS: Final = 60_000.0
FEW: Final = 5
"""Candidates with the same score by chance, or because nothing is known of any."""


class Took(NamedTuple):
    inference_ns: int  # of the model alone
    total_ns: int  # from its decoding to its answer


class Answered(NamedTuple):
    scores: F64  # in the order of the request
    reason: str | None  # why they are not the model's own
    took: Took


class Pair(NamedTuple):
    """One request, answered by both."""

    request: RankRequest
    stable: Answered
    candidate: Answered
    stable_took: list[Took]  # by round, as is the next
    candidate_took: list[Took]


@dataclass
class Ran:
    pairs: list[Pair] = field(default_factory=list)
    refused: str = ""

    @property
    def slowdown(self) -> float:
        return self._quotient(lambda took: took.inference_ns)

    @property
    def work(self) -> float:
        return self._quotient(lambda took: took.total_ns)

    def _quotient(self, ns: Callable[[Took], int]) -> float:
        """Of each request the median of its rounds' quotients: what slows the machine slows both of
        a round. A request weighs what it takes."""
        weights, quotients = list[float](), list[float]()
        for pair in self.pairs:
            held, tried = ([*map(ns, each)] for each in (pair.stable_took, pair.candidate_took))
            if all(held):
                weights.append(min(held))
                quotients.append(
                    median(one / other for one, other in zip(tried, held, strict=True))
                )
        return fmean(quotients, weights) if quotients else 1.0


async def run(stable: Lane, candidate: Lane, requests: Sequence[RankRequest]) -> Ran:
    """All of them in rounds, the lanes in turn."""
    ran = Ran()
    for request in requests:
        await _first(stable, candidate, request, ran)
    began_s, rounds = perf_counter(), 0
    while rounds < ROUNDS or perf_counter() - began_s < LEAST_S:
        for pair in ran.pairs:
            pair.stable_took.append((await _answer(stable, pair.request)).took)
            pair.candidate_took.append((await _answer(candidate, pair.request)).took)
        rounds += 1
    return ran


async def _first(stable: Lane, candidate: Lane, request: RankRequest, ran: Ran) -> None:
    """One that the stable lane refuses too says nothing."""
    asked = msgspec.structs.replace(
        request, deadline_ms=DEADLINE_MS, timestamp_ms=None, model=None, priority=None
    )
    try:
        held = await _answer(stable, asked)
    except ServingError:
        return
    try:
        tried = await _answer(candidate, asked)
    except ServingError as error:
        ran.refused = ran.refused or f"a request that is served was refused: {error}"
    else:
        ran.pairs.append(Pair(asked, held, tried, [], []))


async def _answer(lane: Lane, request: RankRequest) -> Answered:
    clock = StageClock()
    ranked = await lane.ranker.rank(request, clock)
    msgspec.json.encode(lane.answers.write(ranked))
    clock.mark("encode")
    place = ranked.inputs.place
    inputs = ranked.inputs.assembly.inputs(place, place + 1)
    took = Took(_ran_ns(lane, inputs), clock.total_ns)
    return Answered(ranked.scored.scores, _fault(ranked), took)


def _ran_ns(lane: Lane, inputs: Arrays) -> int:
    """Of the second run in a row: what the first finds in this core's caches depends on where the
    thread that answered ran, which stays the same for as long as a lane lives. 0 where the model
    fails, which the answer has told."""
    try:
        lane.model.run(inputs)
        began_ns = perf_counter_ns()
        lane.model.run(inputs)
    except Exception:
        return 0
    return perf_counter_ns() - began_ns


def _fault(ranked: Ranked) -> str | None:
    scored = ranked.scored
    if scored.reason is not None:
        return scored.reason
    return None if np.isfinite(scored.scores).all() else "not_finite"


def judged(ran: Ran) -> str:
    """Why it must not be opened; empty when nothing speaks against it."""
    faults = [pair.candidate.reason for pair in ran.pairs if pair.candidate.reason is not None]
    if ran.refused:
        return ran.refused
    if faults:
        return f"its model gave no scores in {len(faults)} of {len(ran.pairs)}: {faults[0]}"
    if not ran.pairs:
        return "no request could be answered: export it with held-out requests"
    telling = [
        pair.candidate
        for pair in ran.pairs
        if len(pair.stable.scores) >= FEW and not _is_constant(pair.stable)
    ]
    if telling and all(map(_is_constant, telling)):
        return f"its scores are the same for all candidates, in each of {len(telling)} requests"
    return ""


def _is_constant(answered: Answered) -> bool:
    return bool(np.ptp(answered.scores) == 0.0)
