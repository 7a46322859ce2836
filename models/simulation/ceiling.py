"""What no policy can pass: the coverage of perfect foresight.

An entry covers only requests that lie within one hard TTL. So to cover a request of a pair takes at
least 1 ÷ w entries, w being the most requests of that pair that any such span around it holds, and
to cover some requests takes at least the sum of those. The ceiling covers the cheapest ones with
all that the budget can compute; users' sides and the cache's capacity cost it nothing.
"""

from typing import NamedTuple

import numpy as np

from models.features.records import I64
from models.speculation.simulator import Rules
from models.speculation.trace import Trace


class Ceilings(NamedTuple):
    """Shares of the candidates after the warm-up."""

    foreseen: float  # by whoever knows all that will be asked for
    repeated: float  # by whoever knows when a user's pairs are asked for again, but no new ones

    @classmethod
    def of(cls, trace: Trace, rules: Rules) -> "Ceilings":
        key = trace.user[trace.request] * (int(trace.pair.max(initial=0)) + 1) + trace.pair
        order = np.lexsort((trace.request, key))
        is_new = np.diff(key[order], prepend=-1) != 0
        return cls(
            _covered(trace, rules, key, order),
            _covered(trace, rules, key, order[~is_new]),
        )


def _covered(trace: Trace, rules: Rules, key: I64, rows: I64) -> float:
    """By entries of the candidates in `rows`, by key, then time."""
    first = int(rules.warm_up * len(trace))
    hard_ttl_ms = int(1000.0 * rules.hard_ttl_s)
    since_ms = (trace.time_ms - trace.time_ms[0])[trace.request]
    most = most_together(since_ms[rows], key[rows], hard_ttl_ms)
    begin = int(trace.offsets[first])
    cost = np.cumsum(np.sort(1.0 / most[rows >= begin]))
    counted_s = (trace.time_ms[-1] - trace.time_ms[first] + hard_ttl_ms) / 1000.0
    # What was saved by then, and the run that may begin on the last of the budget.
    extra = rules.budget.saved_pairs + rules.budget.run_pairs
    entries = rules.budget.pairs_per_s * counted_s + extra
    return float(cost.searchsorted(entries, side="right")) / max(len(trace.pair) - begin, 1)


def most_together(at_ms: I64, key: I64, span_ms: int) -> I64:
    """`[n]`: of the same key, the most that a span holds which holds this one.

    Given by key, then time.
    """
    if not len(key):
        return np.zeros(0, np.int64)
    # Keys one after the other on one line, too far apart for a span to hold two of them.
    place = np.cumsum(np.diff(key, prepend=key[0]) != 0)
    at_ms = at_ms + place * (int(at_ms.max()) + span_ms + 1)
    begun_here = at_ms.searchsorted(at_ms + span_ms, side="right") - np.arange(len(at_ms))
    most = begun_here.copy()
    rows, back = np.arange(1, len(at_ms)), 1
    while len(rows := rows[at_ms[rows] - at_ms[rows - back] <= span_ms]):
        most[rows] = np.maximum(most[rows], begun_here[rows - back])
        back += 1
        rows = rows[rows >= back]
    return most
