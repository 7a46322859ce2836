"""A log → the trace that a simulation replays.

Candidates are the lists that the log holds; for a log without any they are retrieved. A pair is an
item in a context, so the same item asked for in another context is another pair.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from models.data.batches import Pairs, offered
from models.data.causal import Replay
from models.features.records import F32, I64
from models.replay.cache import context_codes
from models.simulation.errors import LogUnsuited
from models.simulation.retrieval import retrieved
from models.speculation.trace import MAX_CODE, Trace

Scores = Callable[[Replay, I64, Pairs], F32]
"""Replay, requests `[R]`, their candidates `[N]` → the student's probabilities `[N]`."""


class Asked(NamedTuple):
    """Requests of the log, ascending, and their candidates, distinct and ascending in each."""

    requests: I64  # [R]
    pairs: Pairs  # [N] by place among the requests


def trace_of(replay: Replay, scores: Scores, since_ms: int) -> Trace:
    """Of the requests from that instant on. Raises LogUnsuited."""
    asked = _asked(replay, since_ms)
    index, item = asked.pairs
    contexts = context_codes(replay)
    base = int(contexts.max()) + 1
    if (len(replay.catalogue) + 1) * base > MAX_CODE:
        raise LogUnsuited(
            f"{len(replay.catalogue):,} items in {base:,} contexts are more pairs than "
            f"{MAX_CODE:,}: leave context columns out of the log"
        )
    return Trace(
        time_ms=replay.time_ms[asked.requests],
        user=replay.user[asked.requests],
        offsets=np.searchsorted(index, np.arange(len(asked.requests) + 1)),
        pair=item * base + contexts[asked.requests][index],
        item=item,
        score=scores(replay, asked.requests, asked.pairs),
    )


def first_ms(replay: Replay) -> int:
    """Where a trace begins unless told otherwise.

    With the first list that the log holds; retrieved lists begin with the student's period, so
    that there is a past to learn from.
    """
    log = replay.log
    if log.requests is None:
        return log.periods.student_from_ms
    listed = log.impressions["request_id"].is_in(log.requests["request_id"].implode())
    return int(log.impressions["timestamp_ms"].filter(listed)[0])


def _asked(replay: Replay, since_ms: int) -> Asked:
    rows = np.flatnonzero(replay.time_ms >= since_ms)
    if not len(rows):
        raise LogUnsuited(f"no request from {since_ms} ms on: the log ends before")
    if replay.log.requests is None:
        return Asked(rows, retrieved(replay, rows))
    pairs = offered(replay, rows)
    items = len(replay.catalogue) + 1
    keys = np.unique(pairs.request_index * items + pairs.item)
    return Asked(rows, Pairs(keys // items, keys % items))
