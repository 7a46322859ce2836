"""Served requests as a table, one row a candidate. Columns: docs/data.md."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cache.served import Served
from models.schema import TIERS

TIER: Final = pl.Enum(TIERS)
_LEAVES: Final[dict[str, pl.DataType]] = {
    "<f4": pl.Float32(),
    "<f8": pl.Float64(),
    "<i4": pl.Int32(),
    "<i8": pl.Int64(),
    "|u1": pl.UInt8(),
}
_CONTEXT: Final = pl.List(pl.Struct({"name": pl.String, "value": pl.String}))


class Delivered(NamedTuple):
    id: bytes  # in the stream
    served: Served


def table(delivered: Sequence[Delivered]) -> pl.DataFrame:
    """Of requests that one version of one model answered. Bits of floats are kept."""
    requests = [each.served for each in delivered]
    sizes = [len(request.item_ids) for request in requests]
    owners = np.arange(len(requests)).repeat(sizes)
    starts = np.cumsum([0, *sizes[:-1]])
    return pl.concat(
        [
            _by_request(delivered)[owners],
            _by_candidate(requests, sizes),
            _on_first_rows(_user_side(requests), starts, len(owners)),
            _candidate_side(requests),
        ],
        how="horizontal",
    )


def _by_request(delivered: Sequence[Delivered]) -> pl.DataFrame:
    requests = [each.served for each in delivered]
    ids = pl.Series("stream_id", [each.id.decode() for each in delivered])
    names = ("request_id", "timestamp_ms", "user_id", "model", "version", "lane", "task")
    told = [pl.Series(name, [getattr(request, name) for request in requests]) for name in names]
    coverage = [
        pl.Series(f"coverage_{tier}", [each.coverage.get(tier) for each in requests], pl.Float64)
        for tier in TIERS
    ]
    return pl.DataFrame([ids, *told, _context(requests), *coverage, _degraded(requests)])


def _context(requests: Sequence[Served]) -> pl.Series:
    given = [
        [{"name": name, "value": value} for name, value in request.context.items()]
        for request in requests
    ]
    return pl.Series("context", given, dtype=_CONTEXT)


def _degraded(requests: Sequence[Served]) -> pl.Series:
    told = [[f"{stage}:{reason}" for stage, reason in request.degraded] for request in requests]
    return pl.Series("degraded", told, dtype=pl.List(pl.String))


def _by_candidate(requests: Sequence[Served], sizes: Sequence[int]) -> pl.DataFrame:
    ordinal = np.concatenate([np.arange(size, dtype=np.int32) for size in sizes])
    return pl.DataFrame(
        [
            pl.Series("candidate", ordinal),
            pl.Series("item_id", [item for request in requests for item in request.item_ids]),
            _column("position", [request.position.astype(np.int32) for request in requests]),
            _optional("bid", [request.bids for request in requests], sizes, pl.Float64()),
            _optional("value", [request.values for request in requests], sizes, pl.Float64()),
            _column("tier", [request.tier for request in requests]).cat.to(TIER),
            _column("age_s", [request.age_s for request in requests]),
            *_by_task(requests, sizes),
        ]
    )


def _by_task(requests: Sequence[Served], sizes: Sequence[int]) -> list[pl.Series]:
    columns = []
    for at, task in enumerate(requests[0].tasks):
        columns.append(_column(f"score_{task}", [request.scores[:, at] for request in requests]))
        logits = [None if request.logit is None else request.logit[:, at] for request in requests]
        columns.append(_optional(f"logit_{task}", logits, sizes, pl.Float32()))
    return columns


def _user_side(requests: Sequence[Served]) -> pl.DataFrame:
    names = requests[0].user_side
    return pl.DataFrame(
        [_column(f"input_{name}", [each.user_side[name] for each in requests]) for name in names]
    )


def _candidate_side(requests: Sequence[Served]) -> pl.DataFrame:
    names = requests[0].candidate_side
    return pl.DataFrame(
        [
            _column(f"input_{name}", [each.candidate_side[name] for each in requests])
            for name in names
        ]
    )


def _on_first_rows(frame: pl.DataFrame, starts: NDArray[Any], rows: int) -> pl.DataFrame:
    """Row i of the frame on row `starts[i]`; null elsewhere, which takes no room."""
    source = np.full(rows, -1)
    source[starts] = np.arange(len(starts))
    picked = pl.Series(source).replace(-1, None)
    return frame.select(pl.all().gather(picked))


def _column(name: str, parts: Sequence[NDArray[Any]]) -> pl.Series:
    """`[n, …]` each: a value a row, a list of them, a list of lists."""
    whole = np.concatenate(parts)
    dtype = _LEAVES[whole.dtype.str]
    for _ in range(whole.ndim - 1):
        dtype = pl.List(dtype)
    return pl.Series(name, whole).cast(dtype)


def _optional(
    name: str, parts: Sequence[NDArray[Any] | None], sizes: Sequence[int], dtype: pl.DataType
) -> pl.Series:
    """Null for those that have none."""
    held = [
        pl.repeat(None, size, dtype=dtype, eager=True).alias(name)
        if part is None
        else pl.Series(name, part)
        for part, size in zip(parts, sizes, strict=True)
    ]
    return pl.concat(held)
