"""Requests answered by two lanes in turn, and what their answers say of the one that is tried."""

from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import Final, NamedTuple

import msgspec
import numpy as np

from models.features.records import F64, Arrays
from server.errors import ServingError
from server.lane import Lane
from server.ranked import Ranked
from server.stages import StageClock
from server.wire import RankRequest

ROUNDS: Final = 5
DEADLINE_MS: Final = 60_000.0
FEW: Final = 5
"""Candidates with the same score by chance, or because nothing is known of any."""


class Answered(NamedTuple):
    scores: F64  # in the order of the request
    reason: str | None  # why they are not the model's own
    inference_ns: int  # of the model alone, the best round's; as is the next
    total_ns: int


@dataclass
class Ran:
    """By request."""

    stable: list[Answered] = field(default_factory=list)
    candidate: list[Answered] = field(default_factory=list)
    refused: str = ""

    @property
    def slowdown(self) -> float:
        return _quotient(
            [each.inference_ns for each in self.candidate],
            [each.inference_ns for each in self.stable],
        )

    @property
    def work(self) -> float:
        return _quotient(
            [each.total_ns for each in self.candidate], [each.total_ns for each in self.stable]
        )


def _quotient(some: list[int], others: list[int]) -> float:
    return sum(some) / sum(others) if sum(others) else 1.0


async def run(stable: Lane, candidate: Lane, request: RankRequest, ran: Ran) -> None:
    """In turn, so that what else the machine does slows both alike. One that the stable lane
    refuses too says nothing."""
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
        return
    for _ in range(ROUNDS):
        held = _best(held, await _answer(stable, asked))
        tried = _best(tried, await _answer(candidate, asked))
    ran.stable.append(held)
    ran.candidate.append(tried)


def _best(one: Answered, other: Answered) -> Answered:
    return one._replace(
        inference_ns=min(one.inference_ns, other.inference_ns),
        total_ns=min(one.total_ns, other.total_ns),
    )


async def _answer(lane: Lane, request: RankRequest) -> Answered:
    clock = StageClock()
    ranked = await lane.ranker.rank(request, clock)
    msgspec.json.encode(lane.answers.write(ranked))
    clock.mark("encode")
    place = ranked.inputs.place
    inputs = ranked.inputs.assembly.inputs(place, place + 1)
    return Answered(ranked.scored.scores, _fault(ranked), _ran_ns(lane, inputs), clock.total_ns)


def _ran_ns(lane: Lane, inputs: Arrays) -> int:
    """0 where the model fails, which the answer has told."""
    began_ns = perf_counter_ns()
    try:
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
    faults = [each.reason for each in ran.candidate if each.reason is not None]
    if ran.refused:
        return ran.refused
    if faults:
        return f"its model gave no scores in {len(faults)} of {len(ran.candidate)}: {faults[0]}"
    if not ran.candidate:
        return "no request could be answered: export it with held-out requests"
    telling = [
        tried
        for held, tried in zip(ran.stable, ran.candidate, strict=True)
        if len(held.scores) >= FEW and not _is_constant(held)
    ]
    if telling and all(map(_is_constant, telling)):
        return f"its scores are the same for all candidates, in each of {len(telling)} requests"
    return ""


def _is_constant(answered: Answered) -> bool:
    return bool(np.ptp(answered.scores) == 0.0)
