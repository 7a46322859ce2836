"""What ranking one request gave: the answer and the feedback are both made from it."""

from typing import NamedTuple

from models.features.records import F64
from server.assembly import Assembled
from server.candidates import CandidateColumns
from server.columns import Row
from server.slate import Order
from server.wire import RankRequest


class Scored(NamedTuple):
    scores: F64  # [N] calibrated, of the task that was asked for
    reason: str | None  # why they are not the model's


class Ranked(NamedTuple):
    now_ms: int
    request: RankRequest
    columns: CandidateColumns
    context: Row
    cache_reason: str | None
    assembled: Assembled
    scored: Scored
    order: Order
