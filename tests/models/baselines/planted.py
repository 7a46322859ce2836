"""A table in which clicks follow two categories together, a counter and nothing else."""

import numpy as np
from scipy.special import expit

from models.baselines.columns import Columns
from models.baselines.design import Design
from models.features.records import F64
from models.schema import Column, LogSchema

LOG = LogSchema(
    tasks=("click",),
    user=(Column(name="taste", kind="categorical", buckets=8),),
    item=(
        Column(name="item_id", kind="categorical", buckets=64),
        Column(name="category", kind="categorical", buckets=8),
        Column(name="price", kind="number"),
    ),
)
MATCH_LENGTH = 10


def planted(seed: int, rows: int = 4_000, unknown: float = 0.0) -> Design:
    """Labels drawn by `click_odds`, a share of them unknown."""
    rng = np.random.default_rng(seed)
    columns = Columns.of(LOG)
    buckets = np.array(columns.buckets)
    categorical = rng.integers(0, buckets, (rows, len(buckets)))
    counters = rng.normal(size=(rows, len(columns.counters))).astype(np.float32)
    drawn = rng.random(rows) < expit(click_odds(columns, categorical, counters))
    labels = np.where(rng.random(rows) < unknown, -1.0, drawn)[:, None].astype(np.float32)
    return Design(
        columns=columns,
        categorical=categorical,
        side=rng.normal(size=(rows, len(columns.side))).astype(np.float32),
        counters=counters,
        matches={MATCH_LENGTH: rng.random((rows, len(columns.matches))).astype(np.float32)},
        labels=labels,
        impression=np.arange(rows),
    )


def click_odds(columns: Columns, categorical: np.ndarray, counters: np.ndarray) -> F64:
    taste, category = (columns.categorical.index(name) for name in ("user.taste", "item.category"))
    alike = categorical[:, taste] % 2 == categorical[:, category] % 2
    odds: F64 = np.where(alike, 1.0, -2.0) + counters[:, columns.counters.index("item.click")]
    return odds
