"""Simulations as tables: a row a policy, one table a budget."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from models.simulation.experiment import Point
from models.speculation.outcome import Outcome
from models.suites.table import Cell, Table

COLUMNS: Final = (
    "policy", "coverage", "top 10", "selection recall", "useful work", "stale", "age, h",
    "computed, k",
)  # fmt: skip
DROPPED: Final = ("overflow", "worthless", "fresh", "left")
WASTED: Final = ("expired", "evicted", "replaced", "unread")
NOTE: Final = (
    "Of the requests after the warm-up: shares of candidates with a live pair, among all and among "
    "each request's ten best by the student's score; with a pair selected before it was asked for; "
    "of computed entries, read at least once; of covered candidates, past the soft TTL; their mean "
    "age. Computed: pairs, of the whole trace. Foresight: bounds that no policy passes at "
    "this budget, were it to know all that will be asked for, or when pairs are asked for again."
)
WASTE_NOTE: Final = (
    "Shares of the pairs selected: pushed out of the queue, worth nothing any more, computed "
    "meanwhile, waiting at the end. Shares of the entries computed after the warm-up that nobody "
    "read: expired, evicted, computed again, there at the end."
)


def tables(points: Sequence[Point]) -> list[Table]:
    """Two a budget: what was reached, and where the rest went."""
    found: list[Table] = []
    for place in sorted({point.place for point in points}):
        here = [point for point in points if point.place == place]
        budget = Cell.of(np.array([point.pairs_per_s for point in here]), 3)
        title = f"{budget.mean:.3g} pairs a second"
        found += [
            Table(title, COLUMNS, [*_ceilings(here), *_all_reached(here)], NOTE),
            Table(
                f"Waste at {title}",
                ("policy", *DROPPED, *WASTED),
                [_wasted(name, some) for name, some in _by_policy(here)],
                WASTE_NOTE,
            ),
        ]
    return found


def _ceilings(points: Sequence[Point]) -> list[list[Cell | str]]:
    """Once for each seed, whatever the number of policies."""
    by_seed = {point.seed: point.ceilings for point in points}.values()
    rows = {
        "foresight of all": [each.foreseen for each in by_seed],
        "foresight of repeats": [each.repeated for each in by_seed],
    }
    return [[name, _cell(shares, 3), *[""] * (len(COLUMNS) - 2)] for name, shares in rows.items()]


def _all_reached(points: Sequence[Point]) -> list[list[Cell | str]]:
    return [_reached(name, some) for name, some in _by_policy(points)]


def _by_policy(points: Sequence[Point]) -> list[tuple[str, list[Outcome]]]:
    names = dict.fromkeys(point.policy for point in points)
    return [(name, [point.outcome for point in points if point.policy == name]) for name in names]


def _reached(name: str, outcomes: Sequence[Outcome]) -> list[Cell | str]:
    figures = [outcome.figures for outcome in outcomes]
    shares = [
        _cell([getattr(figure, field) for figure in figures], 3)
        for field in ("coverage", "leading_coverage", "recall", "useful", "stale")
    ]
    age = _cell([figure.age_s / 3600.0 for figure in figures], 2)
    computed = _cell([outcome.counts.computed / 1000.0 for outcome in outcomes], 0)
    return [name, *shares, age, computed]


def _wasted(name: str, outcomes: Sequence[Outcome]) -> list[Cell | str]:
    dropped = [
        _cell([_share(o.counts.dropped.get(reason, 0), o.counts.selected) for o in outcomes], 3)
        for reason in DROPPED
    ]
    wasted = [
        _cell([_share(o.entries.wasted.get(reason, 0), o.entries.written) for o in outcomes], 3)
        for reason in WASTED
    ]
    return [name, *dropped, *wasted]


def _share(count: int, of: int) -> float:
    return count / of if of else 0.0


def _cell(values: Sequence[float], digits: int) -> Cell:
    return Cell.of(np.array(values), digits)
