"""What the layers of one teacher hold of many pairs, so that z can be taken from any of them.

E pairs, W width of a layer.
"""

from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as fn

from models.data.batches import Pairs, shown
from models.examples import Examples
from models.features.records import I64
from models.inputs import Inputs
from models.predict import BATCH_REQUESTS
from models.replay.cache import CacheRules, held_at
from models.replay.sequence import spans
from models.teacher import Teacher

F16 = NDArray[np.float16]
Layer = Literal["embedded", "first", "second"]


class Activations(NamedTuple):
    """`[E, W]` each, in half precision: 0.2 GB for 200,000 pairs of a small teacher."""

    embedded: F16  # columns of the user, the context and the item, before they meet
    first: F16
    second: F16

    def of(self, layer: Layer) -> F16:
        found: F16 = getattr(self, layer)
        return found


class Past(NamedTuple):
    """Of the impressions that a refresh spoke of afterwards, as of that refresh."""

    impressions: I64  # [E]
    activations: Activations


def of_past(teacher: Teacher, examples: Examples, requests: I64, seed: int) -> Past:
    """The past that annotate gives the teacher's word on, under the same rules."""
    replay = examples.replay
    done_ms = held_at(replay, requests, CacheRules(), seed).done_ms
    by = spans(replay, done_ms, int(replay.time_ms[requests].min())).by
    impressions = np.flatnonzero(by >= 0)
    refreshes, index = np.unique(by[impressions], return_inverse=True)
    order = np.argsort(index, kind="stable")
    impressions = impressions[order]
    pairs = Pairs(index[order], replay.item[impressions])
    return Past(impressions, _read(teacher, examples, refreshes, pairs, done_ms[refreshes]))


def of_shown(teacher: Teacher, examples: Examples, requests: I64) -> Activations:
    """Of what the requests showed, as of their own time."""
    pairs = shown(examples.replay, requests).pairs
    return _read(teacher, examples, requests, pairs, examples.replay.time_ms[requests])


def _read(
    teacher: Teacher, examples: Examples, requests: I64, pairs: Pairs, as_of_ms: I64
) -> Activations:
    """Rows of `pairs`, which count in `requests` and ascend."""
    parts = []
    for start in range(0, len(requests), BATCH_REQUESTS):
        some = slice(start, start + BATCH_REQUESTS)
        rows = slice(*np.searchsorted(pairs.request_index, [some.start, some.stop]))
        of_some = Pairs(pairs.request_index[rows] - start, pairs.item[rows])
        arrays = examples.arrays(requests[some], of_some, as_of_ms=as_of_ms[some])
        with torch.inference_mode():
            parts.append(_layers(teacher, Inputs.of(arrays)))
    return Activations(*map(np.concatenate, zip(*parts, strict=True)))


def _layers(teacher: Teacher, inputs: Inputs) -> Activations:
    """Without dropout: of a teacher that has been trained."""
    first = teacher(inputs).activation
    second = fn.gelu(teacher.second(first))
    user_rw = torch.cat(teacher.stem.user_side(inputs), dim=-1)
    item_ne = teacher.stem.item(inputs.item_categorical)
    embedded = torch.cat([user_rw[inputs.request_index], item_ne, inputs.item_number], dim=-1)
    return Activations(*map(_half, (embedded, first, second)))


def _half(values: Tensor) -> F16:
    half: F16 = values.half().numpy()
    return half
