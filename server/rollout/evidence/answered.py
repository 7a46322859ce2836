"""What is counted of an answer, taken from what ranking gave."""

from typing import Final

import numpy as np

from models.features.records import F32
from server.ranked import Ranked, Scored
from server.rollout.guardrails.attribution import Slate
from server.rollout.guardrails.counting import Answer
from server.stages import StageClock
from server.summary import Summary
from server.wire import RankAnswer

NO_NUMBER: Final = "not_finite"
"""How the scorer's reason begins when the student gave what is none."""
FAILED: Final = "failed"
"""And when it gave nothing."""


def answered(ranked: Ranked, answer: RankAnswer, clock: StageClock) -> Answer:
    scored, summary = ranked.scored, ranked.assembled.summary
    return Answer(
        answer.request_id,
        ranked.request.user_id,
        clock.total_ns / 1e9,
        [each.stage for each in answer.degraded] if answer.degraded else (),
        scored.scores,
        summary.by_tier,
        summary.age_s,
        gave_no_number(scored),
    )


def judged(request_id: str, user_id: str, scored: Scored, summary: Summary) -> Answer:
    """The part of it that is alike for a lane that answered and one that nobody waited for."""
    no_number = gave_no_number(scored)
    return Answer(
        request_id, user_id, 0.0, (), scored.scores, summary.by_tier, summary.age_s, no_number
    )


def slate_of(ranked: Ranked, request_id: str) -> Slate:
    positions, bids = ranked.order.positions, ranked.columns.bids
    return Slate(
        ranked.request.user_id,
        ranked.now_ms,
        ranked.assembled.item_keys.take(positions),
        None if bids is None else bids.take(positions).astype(np.float32),
        request_id,
    )


def shown_scores(ranked: Ranked) -> F32:
    """`[n]` in the order of the slate."""
    return ranked.scored.scores.take(ranked.order.positions).astype(np.float32)


def gave_no_number(scored: Scored) -> bool:
    return scored.reason is not None and scored.reason.startswith(NO_NUMBER)


def has_failed(scored: Scored) -> bool:
    return scored.reason is not None and scored.reason.startswith(FAILED)
