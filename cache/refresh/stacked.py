"""What the teacher is to judge → the features' input records, R at a time."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cache.arrays import F32, U64
from models.features.item_source import ItemSource
from models.features.records import Candidates, Requests, UserState
from models.features.stacked import stacked


class Wanted(NamedTuple):
    """Pairs of one user that the teacher is to judge as if asked at `at_ms`."""

    state: UserState
    at_ms: int
    context: U64  # [Fc]
    context_numbers: F32  # [Gc]
    item_keys: U64  # [K]


def requests_of(wanted: Sequence[Wanted], items: ItemSource, length: int) -> Requests:
    return stacked(
        [each.state for each in wanted],
        [each.at_ms for each in wanted],
        [each.context for each in wanted],
        [each.context_numbers for each in wanted],
        items,
        length,
    )


def candidates_of(wanted: Sequence[Wanted], items: ItemSource) -> Candidates:
    sizes = [len(each.item_keys) for each in wanted]
    row = items.rows(np.concatenate([each.item_keys for each in wanted]))
    owners = np.repeat(np.arange(len(wanted), dtype=np.int64), sizes)
    return Candidates(owners, row, *items.counted(row))
