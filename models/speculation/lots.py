"""What waits for one user, in columns."""

from typing import Any, Final, NamedTuple, Self

import numpy as np

from models.features.records import F64, I64
from models.speculation.policy import Wishes
from models.speculation.trace import Mask


class Lot(NamedTuple):
    pair: I64  # [n] ascending
    item: I64
    value: F64
    since_ms: I64

    def taken(self, rows: I64 | Mask) -> Self:
        pair, item, value, since_ms = self
        return type(self)(pair[rows], item[rows], value[rows], since_ms[rows])

    def followed_by(self, other: "Lot") -> Self:
        """Of pairs in both, the other's; of pairs twice in one, the last."""
        columns: Any = zip(self, other, strict=True)
        both = type(self)(*map(np.concatenate, columns))
        order = np.argsort(both.pair, kind="stable")
        pair = both.pair[order]
        is_last = np.ones(len(order), np.bool_)
        np.not_equal(pair[1:], pair[:-1], out=is_last[:-1])
        return both.taken(order[is_last])


NONE: Final = np.zeros(0, np.int64)
EMPTY: Final = Lot(NONE, NONE, np.zeros(0), NONE)


def lots(wishes: Wishes, now_ms: int) -> list[tuple[int, Lot]]:
    """By user, ascending."""
    if not len(wishes.user):
        return []
    order = np.argsort(wishes.user, kind="stable")
    user = wishes.user[order]
    starts = np.flatnonzero(np.diff(user, prepend=user[0] - 1))
    every = Lot(wishes.pair, wishes.item, wishes.value, np.full(len(order), now_ms))
    parts = np.split(order, starts[1:])
    return [
        (int(user[start]), EMPTY.followed_by(every.taken(rows)))
        for start, rows in zip(starts.tolist(), parts, strict=True)
    ]
