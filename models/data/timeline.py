"""Counters as they stood at any instant, of everything that has events: users, or items."""

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Self

import numpy as np

from models.features.counters import observed
from models.features.records import F64, I64, U8


class Events(NamedTuple):
    owner: I64  # [E]
    time_ms: I64
    position: I64
    outcome: U8  # as in models.features.records.History


class Span(NamedTuple):
    """Events `[start, end)` of a timeline, one pair an owner asked for."""

    start: I64
    end: I64


class Counted(NamedTuple):
    counters: F64  # [n, 1 + T]
    at_ms: I64  # [n]


@dataclass(frozen=True, slots=True)
class Timeline:
    """E events sorted by owner, then time, with the owner's counters after each of them.

    Row E of the counters is the state of an owner that nothing has happened to.
    """

    order: I64  # [E] positions in the log
    offsets: I64  # [owners + 1]
    ordinal: I64  # [E] owner and time in one ascending number
    first_ms: int
    span_ms: int
    after: Counted  # [E + 1]

    @classmethod
    def of(cls, events: Events, owners: int, tasks: int, half_life_ms: float) -> Self:
        """Replays events that are in any order; ties in time go by position, then as given."""
        order = np.lexsort((events.position, events.time_ms, events.owner))
        owner, time_ms = events.owner[order], events.time_ms[order]
        offsets = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=owners))])
        first_ms = int(time_ms.min()) if len(time_ms) else 0
        span_ms = int(time_ms.max(initial=first_ms)) - first_ms + 2
        ordinal = owner * span_ms + (time_ms - first_ms)
        after = _replayed(offsets, time_ms, events.outcome[order], tasks, half_life_ms)
        return cls(order, offsets, ordinal, first_ms, span_ms, after)

    def before(self, owner: I64, instant_ms: I64) -> Span:
        """The owner's events strictly before the instant."""
        since = np.clip(instant_ms - self.first_ms, 0, self.span_ms - 1)
        end = np.searchsorted(self.ordinal, owner * self.span_ms + since, side="left")
        return Span(self.offsets[owner], end)

    def counters(self, span: Span) -> Counted:
        """State at the end of each span, zeros where it is empty."""
        last = np.where(span.end > span.start, span.end - 1, len(self.order))
        return Counted(self.after.counters[last], self.after.at_ms[last])


def _replayed(offsets: I64, time_ms: I64, outcome: U8, tasks: int, half_life_ms: float) -> Counted:
    width = 1 + tasks
    flat: list[float] = []
    at: list[int] = []
    times, outcomes, bounds = time_ms.tolist(), outcome.tolist(), offsets.tolist()
    for start, end in pairwise(bounds):
        counts, at_ms = [0.0] * width, 0
        for event in range(start, end):
            counts, at_ms = observed(counts, at_ms, times[event], outcomes[event], half_life_ms)
            flat += counts
            at.append(at_ms)
    flat += [0.0] * width
    at.append(0)
    return Counted(np.array(flat).reshape(-1, width), np.array(at, np.int64))
