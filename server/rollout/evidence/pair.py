"""One request as two lanes judged it: the one that answered, and one behind its back."""

from time import perf_counter_ns
from typing import Final

import numpy as np

from models.features.records import F32, F64, I64
from models.runtime import Model
from server.assembly import Prepared
from server.line import Judged
from server.ranked import Inputs, Ranked
from server.rollout.guardrails.agreement import Agreement, agreement

ROUNDS: Final = 2


def prepared_of(ranked: Ranked) -> Prepared:
    """What it was made from, candidates that were withdrawn included."""
    inputs = ranked.inputs
    return inputs.assembly.prepared[inputs.place]


def agreed(ranked: Ranked, other: Judged, top_k: int) -> Agreement:
    """Of the orders by value and nothing else: a rerank makes the same of both."""
    ours = _order(ranked.order.values, ranked.assembled.kept)
    return agreement(ours, _order(_values(prepared_of(ranked), other), other.assembled.kept), top_k)


def time_ratio(candidate: tuple[Model, Inputs], stable: tuple[Model, Inputs]) -> float | None:
    """Blocking. Of the models' times for this request alone, in turn, the best of each: a run that
    several requests share, as those of a busy lane do, is no measure beside one that a small lane's
    request has to itself. None where a model fails."""
    try:
        rounds = [(_took_s(*candidate), _took_s(*stable)) for _ in range(ROUNDS)]
    except Exception:
        return None  # which its answer tells
    return min(ours for ours, _ in rounds) / min(theirs for _, theirs in rounds)


def _took_s(model: Model, of: Inputs) -> float:
    inputs = of.assembly.inputs(of.place, of.place + 1)
    began_ns = perf_counter_ns()
    model.run(inputs)
    return max(perf_counter_ns() - began_ns, 1) / 1e9


def scores_of_shown(ranked: Ranked, other: Judged) -> F32 | None:
    """`[n]` the other's, of what was answered; None where it leaves out some of that."""
    scores, positions = other.scored.scores, ranked.order.positions
    shown, keys = ranked.assembled.item_keys[positions], other.assembled.item_keys
    if not len(keys):
        return None
    if len(keys) != len(ranked.assembled.item_keys) or (keys[positions] != shown).any():
        order = keys.argsort()
        positions = order.take(keys.searchsorted(shown, sorter=order), mode="clip")
        if (keys[positions] != shown).any():
            return None
    found: F32 = scores[positions].astype(np.float32)
    return found


def _values(prepared: Prepared, judged: Judged) -> F64:
    scored, bids, kept = judged.scored, prepared.columns.bids, judged.assembled.kept
    values = scored.scores if scored.worth is None else scored.worth
    if bids is None:
        return values
    return values * (bids if kept is None else bids[kept])


def _order(values: F64, kept: I64 | None) -> list[int]:
    """Candidates, by their place in the request, the best first."""
    order = np.argsort(-values, kind="stable")
    found: list[int] = (order if kept is None else kept[order]).tolist()
    return found
