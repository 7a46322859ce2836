"""What ranking one request gave: the answer and the feedback are both made from it."""

from collections.abc import Mapping
from typing import NamedTuple

from models.features.records import F32, F64
from server.assembly import Assembled, Assembly
from server.candidates import CandidateColumns
from server.columns import Row
from server.slate import Order
from server.wire import RankRequest


class Wanted(NamedTuple):
    """What a request wants to be scored by."""

    task: int  # into the bundle's; its scores are the answer's
    by_value: bool  # ordered by the bundle's formula rather than by the task alone
    every_task: bool  # the scores of all of them come back


class Scored(NamedTuple):
    scores: F64  # [N] calibrated, of the task that was asked for
    reason: str | None  # why they are not the model's
    worth: F64 | None = None  # [N] by the bundle's formula, when that is what orders
    by_task: Mapping[str, F64] | None = None  # [N] each, when they were asked for
    logit: F32 | None = None  # [N, T] the model's own; None when it gave none


class Inputs(NamedTuple):
    """Where a request's input arrays stand, among those of all that were assembled with it."""

    assembly: Assembly
    place: int

    @property
    def part(self) -> slice:
        return self.assembly.parts[self.place]


class Ranked(NamedTuple):
    now_ms: int
    request: RankRequest
    columns: CandidateColumns  # less those that are unavailable
    context: Row
    cache_reason: str | None
    assembled: Assembled
    scored: Scored
    order: Order
    inputs: Inputs
    unavailable: list[str]  # ids of candidates that were withdrawn
    is_late: bool = False  # its deadline passed while the model ran

    @property
    def has_values(self) -> bool:
        """Whether something else than the score ordered."""
        return self.columns.bids is not None or self.scored.worth is not None
