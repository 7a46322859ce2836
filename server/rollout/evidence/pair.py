"""One request as two lanes judged it: the one that answered, and one behind its back."""

import numpy as np

from models.features.records import F32, F64, I64
from server.assembly import Prepared
from server.line import Judged
from server.ranked import Ranked
from server.rollout.guardrails.agreement import Agreement, agreement


def prepared_of(ranked: Ranked) -> Prepared:
    """What it was made from, candidates that were withdrawn included."""
    inputs = ranked.inputs
    return inputs.assembly.prepared[inputs.place]


def agreed(ranked: Ranked, other: Judged, top_k: int) -> Agreement:
    """Of the orders by value and nothing else: a rerank makes the same of both."""
    theirs = _best(_values(prepared_of(ranked), other), other.assembled.kept, top_k)
    return agreement(_best(ranked.order.values, ranked.assembled.kept, top_k), theirs, top_k)


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


def _best(values: F64, kept: I64 | None, most: int) -> list[int]:
    """Candidates, by their place in the request."""
    order = np.argsort(-values, kind="stable")[:most]
    found: list[int] = (order if kept is None else kept[order]).tolist()
    return found
