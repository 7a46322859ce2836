"""Run as a script: what diversity costs in relevance, on a log's test window.

`python -m tests.rerank.curve recbole:build/data/ml-100k`: a teacher and a student are trained a
seed, the student's slates are reranked at every strength and measured on the logged labels.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer
from rich.console import Console
from rich.progress import Progress

from models.data.log import Log
from models.data.sources import open_source
from models.schema import TIERS
from models.suites.suites import Setting, workbenches
from models.suites.table import Cell, Table
from server.bench.mmr import mmr
from server.rerank import Wish
from server.slate import Ordering
from tests.rerank.drawn import draw
from tests.rerank.lists import Listed, lists_of
from tests.rerank.measures import Measures, mean_of, measured

PLACES: Final = 10
WINDOW: Final = 3
STRENGTHS: Final = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
FOREVER_MS: Final = 60_000.0
PLAIN: Final = "by score"
COLUMNS: Final = {
    "ndcg": "NDCG@10",
    "clicks": "precision@10",
    "score": "mean score",
    "distance": "ILAD",
    "least": "ILMD",
    "kinds": "kinds apart",
}

Rerank = Callable[[Listed, float], Sequence[int]]


def curve(
    data: Annotated[str, typer.Argument(help="As `understudy import --data` takes it.")],
    kind: Annotated[str, typer.Option(help="Item column with what an item is.")] = "class",
    seeds: Annotated[int, typer.Option(min=1)] = 3,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer epochs.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Where to draw it, as SVG.")] = None,
) -> None:
    """Print a table of relevance against distance, by rerank and strength."""
    found = _curves(open_source(data), kind, Setting(tuple(range(seeds)), quick))
    sys.stdout.write(_table(found).markdown())
    if plot is not None:
        draw(found, plot)


def _curves(log: Log, kind: str, setting: Setting) -> dict[tuple[str, float], list[Measures]]:
    """By rerank and strength, a seed each."""
    found: dict[tuple[str, float], list[Measures]] = {}
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for bench in workbenches(log, setting, progress):
            lists = lists_of(bench, kind)
            for key, measures in swept(lists).items():
                found.setdefault(key, []).append(measures)
    return found


def swept(lists: Sequence[Listed]) -> dict[tuple[str, float], Measures]:
    """By rerank and strength; 0 is the order of the score."""
    found = {(PLAIN, 0.0): _mean(lists, lambda listed, _: range(PLACES), 0.0)}
    for name, rerank in RERANKS.items():
        for strength in STRENGTHS:
            found[name, strength] = _mean(lists, rerank, strength)
    return found


def _mean(lists: Sequence[Listed], rerank: Rerank, strength: float) -> Measures:
    return mean_of([measured(listed, rerank(listed, strength)) for listed in lists])


def _by_dpp(window: int | None) -> Rerank:
    ordering = Ordering(PLACES, FOREVER_MS)

    def rerank(listed: Listed, strength: float) -> Sequence[int]:
        hints = (listed.z, np.full(len(listed.scores), TIERS.index("pair")))
        wish = Wish(strength, window)
        slate: list[int] = ordering.order(
            listed.scores, None, hints, PLACES, wish
        ).positions.tolist()
        return slate

    return rerank


def _by_mmr(listed: Listed, strength: float) -> Sequence[int]:
    return mmr(listed.scores, listed.z, 1.0 - strength, PLACES)


RERANKS: Final[Mapping[str, Rerank]] = {
    "DPP": _by_dpp(None),
    f"DPP, window {WINDOW}": _by_dpp(WINDOW),
    "MMR": _by_mmr,
}


def _table(found: Mapping[tuple[str, float], Sequence[Measures]]) -> Table:
    rows: list[list[Cell | str]] = [
        [f"{name} {strength:g}" if strength else name, *_cells(measures)]
        for (name, strength), measures in found.items()
    ]
    return Table("Relevance against distance", ["rerank, strength", *COLUMNS.values()], rows)


def _cells(measures: Sequence[Measures]) -> list[Cell]:
    return [Cell.of(np.array([getattr(each, field) for each in measures]), 3) for field in COLUMNS]


if __name__ == "__main__":
    typer.run(curve)
