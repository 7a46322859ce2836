"""Served requests read back from the files of an archive."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cache.served import NamedArrays, Served
from models.schema import TIERS

INPUT = "input_"


def files_of(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.parquet"))


def rows_of(folder: Path) -> pl.DataFrame:
    """Of all files, which may have different columns."""
    frames = [pl.read_parquet(path) for path in files_of(folder)]
    return pl.concat(frames, how="diagonal") if frames else pl.DataFrame({"request_id": []})


def requests_of(folder: Path) -> list[Served]:
    """In the order of the stream, within each file."""
    return [
        served_of(rows)
        for path in files_of(folder)
        for rows in pl.read_parquet(path).partition_by("stream_id", maintain_order=True)
    ]


def served_of(rows: pl.DataFrame) -> Served:
    """The request whose rows these are, with every column that it was written to."""
    assert rows["candidate"].to_list() == list(range(len(rows)))
    told = rows.row(0, named=True)
    tasks = [name.removeprefix("score_") for name in rows.columns if name.startswith("score_")]
    inputs = [name.removeprefix(INPUT) for name in rows.columns if name.startswith(INPUT)]
    same = ("request_id", "user_id", "timestamp_ms", "model", "version", "lane", "task")
    return Served(
        **{name: told[name] for name in same},
        context={entry["name"]: entry["value"] for entry in told["context"]},
        item_ids=rows["item_id"].to_list(),
        position=rows["position"].to_numpy().astype(np.int64),
        bids=_unless_null(rows["bid"]),
        values=_unless_null(rows["value"]),
        tier=rows["tier"].to_physical().to_numpy().astype(np.uint8),
        age_s=rows["age_s"].to_numpy(),
        tasks=tasks,
        scores=_columns(rows, [f"score_{task}" for task in tasks]),
        logit=_columns(rows, logits) if (logits := _told_logits(rows, tasks)) else None,
        coverage={tier: told[f"coverage_{tier}"] for tier in TIERS},
        degraded=[tuple(text.split(":")) for text in told["degraded"]],
        user_side=_arrays(rows[:1], [name for name in inputs if is_user_side(name)]),
        candidate_side=_arrays(rows, [name for name in inputs if not is_user_side(name)]),
    )


def is_user_side(name: str) -> bool:
    return name.startswith(("user_", "context_", "history_"))


def _told_logits(rows: pl.DataFrame, tasks: list[str]) -> list[str]:
    names = [f"logit_{task}" for task in tasks]
    return [] if rows[names[0]].has_nulls() else names


def _unless_null(column: pl.Series) -> Any:
    return None if column.has_nulls() else column.to_numpy()


def _columns(rows: pl.DataFrame, names: list[str]) -> NDArray[Any]:
    return np.stack([rows[name].to_numpy() for name in names], axis=1)


def _arrays(rows: pl.DataFrame, names: list[str]) -> NamedArrays:
    return {name: array_of(rows[INPUT + name]) for name in names}


def array_of(column: pl.Series) -> NDArray[Any]:
    """`[rows, …]` of lists of one length each."""
    shape = [len(column)]
    while isinstance(column.dtype, pl.List):
        shape.append(int(column.list.len()[0]))
        column = column.explode() if shape[-1] else column.list.first().clear()
    return column.to_numpy().reshape(shape)
