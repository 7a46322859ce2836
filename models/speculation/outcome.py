"""What a simulation comes to. Every figure is of the requests after the warm-up."""

from dataclasses import dataclass
from typing import Final, NamedTuple, Self

import numpy as np

from models.features.records import I64
from models.speculation.pages import Pages, Wasted
from models.speculation.scheduler import Dropped, Scheduler
from models.speculation.trace import Mask, Trace

LEADING: Final = 10


class Counts(NamedTuple):
    """Of the whole trace: selected = computed + the sum of dropped."""

    selected: int
    computed: int
    dropped: dict[Dropped, int]
    runs: int
    cost: float  # in pairs, with the users' sides


class Entries(NamedTuple):
    """Computed after the warm-up: written = read + the sum of wasted."""

    written: int
    read: int
    wasted: dict[Wasted, int]


class Figures(NamedTuple):
    """Shares are of candidates, unless they say otherwise."""

    coverage: float  # with a live pair
    leading_coverage: float  # among each request's ten best by the student's score
    recall: float  # selected before it was asked for
    useful: float  # of the entries computed, read at least once before they expired
    stale: float  # of those covered, past the soft TTL
    age_s: float  # mean of those covered


@dataclass(frozen=True, slots=True)
class Outcome:
    age_ms: I64  # [N] of the entry that a candidate read, −1 without one
    had: Mask  # [N] whether its pair had been selected before
    counts: Counts
    entries: Entries
    figures: Figures

    @classmethod
    def of(
        cls, trace: Trace, soft_ttl_s: float, first: int, age_ms: I64, had: Mask,
        scheduler: Scheduler, pages: Pages,
    ) -> Self:  # fmt: skip
        """`first`: the request that ends the warm-up."""
        counts = Counts(
            scheduler.selected, scheduler.computed, scheduler.dropped, scheduler.runs,
            scheduler.cost,
        )  # fmt: skip
        entries = Entries(pages.written, pages.read, pages.wasted)
        counted = slice(int(trace.offsets[first]), None)
        leads = leading(trace.taken(np.arange(first, len(trace))))
        found, covered = age_ms[counted], age_ms[counted] >= 0
        figures = Figures(
            coverage=_share(covered),
            leading_coverage=_share(covered[leads]),
            recall=_share(had[counted]),
            useful=entries.read / entries.written if entries.written else 0.0,
            stale=_share(found[covered] > 1000.0 * soft_ttl_s),
            age_s=float(found[covered].mean()) / 1000.0 if covered.any() else 0.0,
        )
        return cls(age_ms, had, counts, entries, figures)


def leading(trace: Trace) -> Mask:
    """`[N]`: among the best of its request by the student's score; of equals the first."""
    request = trace.request
    order = np.lexsort((trace.pair, -trace.score, request))
    place = np.arange(len(order)) - trace.offsets[request[order]]
    leads = np.empty(len(order), np.bool_)
    leads[order] = place < LEADING
    return leads


def _share(mask: Mask) -> float:
    return float(mask.mean()) if len(mask) else 0.0
