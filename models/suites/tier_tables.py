"""The tiers apart: who has one, and for whom and at what age it is worth most."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.features.records import I64
from models.schema import TIERS, Tier
from models.suites.part import Part
from models.suites.scores import Answers
from models.suites.table import Cell, Table
from models.suites.workbench import Workbench

AGES_S: Final = (60.0, 600.0, 3600.0, 86_400.0)
HISTORIES: Final = {
    "fewer than 10 before": (0, 10),
    "10 to 49 before": (10, 50),
    "50 or more before": (50, np.iinfo(np.int64).max),
}
GAIN: Final = "gain in log loss over nothing, 95 %"
THERE_NOTE: Final = (
    "Shares of the test window in the replayed cache, which was cold at first and filled by demand "
    "alone. Elsewhere a share of the pairs, or all of a tier, is taken to be there; an entry that "
    "nobody had asked for then has an age drawn up to the hard TTL."
)
HISTORY_NOTE: Final = (
    "By the user's impressions before the request. Each tier has a student that reads no other, "
    "set against itself with nothing in its cache. All pairs are taken to be there, and all of a "
    "tier that there was; had the tier: the share for which there was one in the replayed cache."
)


def there(benches: Sequence[Workbench], tiers: Sequence[Tier]) -> Table:
    """What share of the test window has a tier, and how old it is."""
    rows: list[list[Cell | str]] = []
    for tier in tiers:
        shares, best, ages_s = np.array([_there(bench, tier) for bench in benches]).T
        rows.append([tier, Cell.of(shares, 3), Cell.of(best, 3), Cell.of(ages_s, 0)])
    return Table(
        "Tiers of the replayed cache",
        ["tier", "had it", "as the best", "median age, s"],
        rows,
        THERE_NOTE,
    )


def by_age(
    bench: Workbench, by_seed: Sequence[Answers], task: int, pair: str, nothing: str
) -> Table:
    """By how old the entry of the pair was under the first seed."""
    age_s = bench.notes.pair.age_s[bench.evaluation.rows]
    rows = []
    for low, high in zip((0.0, *AGES_S[:-1]), AGES_S, strict=True):
        part = Part.of(bench, by_seed, task, (age_s >= low) & (age_s < high))
        if part.size:
            rows.append([f"{low:g}–{high:g} s", f"{part.size:,}", part.gain(pair, nothing)])
    name = bench.replay.log.schema.tasks[task]
    return Table(f"Age of a pair's entry: {name}", ["age of the entry", "impressions", GAIN], rows)


def by_history(
    bench: Workbench, by_seed: Sequence[Answers], task: int, nothing: Mapping[Tier, str]
) -> Table:
    """`nothing`: what each tier's variant, which bears its name, is set against."""
    history, rows = _history(bench), []
    for tier, alone in nothing.items():
        has = _has(bench, tier)
        for title, (least, end) in HISTORIES.items():
            chosen = (history >= least) & (history < end)
            part = Part.of(bench, by_seed, task, chosen)
            if part.size:
                share = f"{has[chosen].mean():.3f}"
                rows.append([f"{tier}, {title}", f"{part.size:,}", share, part.gain(tier, alone)])
    name = bench.replay.log.schema.tasks[task]
    columns = ["tier and history", "impressions", "had the tier", GAIN]
    return Table(f"Tiers by history: {name}", columns, rows, HISTORY_NOTE)


def _there(bench: Workbench, tier: Tier) -> tuple[float, float, float]:
    """Shares of the test window that have the tier, and as the best; its median age in s."""
    has, rows = _has(bench, tier), bench.evaluation.rows
    is_best = bench.notes.held[rows] == TIERS.index(tier)
    age_s = bench.notes.tier(tier).age_s[rows][has]
    median = float(np.median(age_s)) if len(age_s) else np.nan
    return float(has.mean()), float(is_best.mean()), median


def _has(bench: Workbench, tier: Tier) -> NDArray[np.bool_]:
    """By impression of the test window; of the pairs, those that the replayed cache held."""
    said = bench.notes.held if tier == "pair" else bench.notes.tier(tier).tier
    found: NDArray[np.bool_] = said[bench.evaluation.rows] == TIERS.index(tier)
    return found


def _history(bench: Workbench) -> I64:
    """Impressions of the user before the request, by impression of the test window."""
    replay, requests = bench.replay, bench.evaluation.requests
    span = replay.users.before(replay.user[requests], replay.time_ms[requests])
    return np.repeat(span.end - span.start, np.diff(replay.offsets)[requests])
