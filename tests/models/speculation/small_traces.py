"""Traces of a few users and pairs, so that all of them meet."""

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from models.speculation.trace import Trace

CONTEXTS = 2
PAIRS = 8


def trace_of(*requests: tuple[int, int, Sequence[int]], score: float = 0.5) -> Trace:
    """(time in ms, user, pairs ascending); two pairs an item, all of one score."""
    time_ms, user, lists = zip(*requests, strict=True)
    pair = np.array([pair for pairs in lists for pair in pairs], np.int64)
    return Trace(
        time_ms=np.array(time_ms, np.int64),
        user=np.array(user, np.int64),
        offsets=np.cumsum([0, *map(len, lists)]),
        pair=pair,
        item=pair // CONTEXTS,
        score=np.full(len(pair), score, np.float32),
    )


@st.composite
def traces(draw: st.DrawFn, most: int = 20) -> Trace:
    """Gaps of no time, of moments, of minutes; scores are eighths, so that sums are exact."""
    count = draw(st.integers(1, most))
    gaps = draw(
        st.lists(st.sampled_from([0, 300, 1_000, 2_500, 40_000, 300_000]), min_size=count,
                 max_size=count)
    )  # fmt: skip
    users = draw(st.lists(st.integers(0, 2), min_size=count, max_size=count))
    lists = draw(st.lists(st.sets(st.integers(0, PAIRS - 1)), min_size=count, max_size=count))
    requests = zip(np.cumsum(gaps).tolist(), users, map(sorted, lists), strict=True)
    trace = trace_of(*requests)
    eighths = draw(st.lists(st.integers(0, 8), min_size=len(trace.pair), max_size=len(trace.pair)))
    return trace.scored(np.array(eighths, np.float32) / np.float32(8))
