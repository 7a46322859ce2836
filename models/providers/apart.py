"""A batch's requests, each by itself: engines are made for one request at a time."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.features.records import I64, Arrays
from models.schema import TensorSpec


class Alone(NamedTuple):
    places: I64  # [n] of its candidates in the batch
    arrays: Arrays  # R = 1, N = K = n


def requests_apart(arrays: Arrays, specs: Sequence[TensorSpec]) -> Iterator[Alone]:
    """In order, without those that have no candidates."""
    index: I64 = arrays["request_index"]
    order = np.argsort(index, kind="stable")
    edges = np.cumsum(np.bincount(index))
    for request, places in enumerate(np.split(order, edges[:-1])):
        if len(places):
            yield Alone(places, _one(arrays, specs, request, places))


def put_back(parts: Sequence[Alone], answers: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """The parts' answers, `[n, …]` each, in the batch's order."""
    back = np.argsort(np.concatenate([part.places for part in parts]))
    return np.concatenate(answers)[back]


def _one(arrays: Arrays, specs: Sequence[TensorSpec], request: int, places: I64) -> Arrays:
    own: dict[str, slice | I64] = {"R": slice(request, request + 1), "N": places}
    alone = {spec.name: arrays[spec.name][own[str(spec.shape[0])]] for spec in specs}
    row = np.arange(len(places))
    alone["request_index"] = np.zeros_like(row)
    return alone | {"group_rows": row[None, :], "group_place": row}
