"""What ranking gave → the output tensors, and the parameters that come with them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from models.features.records import F64, I64
from models.schema import TIERS
from server.open_inference.call import Call
from server.open_inference.signature import (
    AVAILABLE,
    ITEM_IDS,
    SCORES,
    TASK_SCORES,
    TIER,
    VALUES,
    Signature,
)
from server.open_inference.tensors import Tensor, column
from server.ranked import Ranked
from server.wire import RankAnswer, RankRequest

GONE: Final = -1
"""In place of a candidate's position among those that were ranked: it is paused or removed."""


class _Rows(NamedTuple):
    item_ids: list[str]
    at: I64  # [K] into the candidates that were ranked, or GONE

    def of(self, values: F64) -> list[float]:
        """0 for those that are gone: nothing is worth less."""
        taken: list[float] = np.append(values, 0.0)[self.at].tolist()
        return taken


def outputs_of(signature: Signature, call: Call, ranked: Ranked) -> list[Tensor]:
    """`[K]` each. In input order without `top_k` K is the number of candidates, those that are gone
    among them; else it is that of the slate."""
    rows = _rows(call, ranked)
    by_name = _columns(rows, ranked)
    return [
        column(name, signature.outputs[name].datatype, by_name[name]())
        for name in call.outputs or signature.outputs
    ]


def _rows(call: Call, ranked: Ranked) -> _Rows:
    positions = ranked.order.positions
    if call.parameters.order == "slate":
        return _ranked_rows(ranked, positions)
    if call.parameters.top_k is not None or ranked.assembled.kept is None:
        return _ranked_rows(ranked, np.sort(positions))
    item_ids = _asked(ranked.request)
    at = np.full(len(item_ids), GONE, np.int64)
    at[ranked.assembled.kept] = np.arange(len(ranked.assembled.kept))
    return _Rows(item_ids, at)


def _ranked_rows(ranked: Ranked, at: I64) -> _Rows:
    item_ids = ranked.columns.item_ids
    return _Rows([item_ids[position] for position in at.tolist()], at)


def _asked(request: RankRequest) -> list[str]:
    if request.item_ids is not None:
        return request.item_ids
    return [candidate.item_id for candidate in request.candidates or ()]


def _columns(rows: _Rows, ranked: Ranked) -> Mapping[str, Callable[[], Sequence[object]]]:
    scored = ranked.scored
    by_task = {
        TASK_SCORES + task: lambda scores=scores: rows.of(scores)
        for task, scores in (scored.by_task or {}).items()
    }
    return {
        ITEM_IDS: lambda: rows.item_ids,
        SCORES: lambda: rows.of(scored.scores),
        VALUES: lambda: rows.of(ranked.order.values),
        TIER: lambda: _tiers(rows, ranked),
        AVAILABLE: lambda: (rows.at != GONE).tolist(),
        **by_task,
    }


def _tiers(rows: _Rows, ranked: Ranked) -> list[str]:
    resolved = ranked.assembled.resolved
    if resolved is None:
        return [TIERS[0]] * len(rows.at)
    return [TIERS[code] for code in np.append(resolved.tier, 0)[rows.at].tolist()]


def parameters_of(answer: RankAnswer) -> dict[str, str | float]:
    """A parameter is a text or a number: coverage is one for each tier, degradations are one
    text."""
    coverage = answer.coverage
    parameters: dict[str, str | float] = {
        "lane": answer.lane,
        "degraded": ",".join(f"{each.stage}:{each.reason}" for each in answer.degraded),
    }
    for tier in coverage.__struct_fields__:
        parameters[f"coverage.{tier}"] = getattr(coverage, tier)
    if answer.teacher_age_s is not None:
        parameters["teacher_age_s"] = answer.teacher_age_s
    return parameters
