"""As models.layers.history_match, for tables: how often a user met an item's values before.

R requests, N candidates, K candidates of the fullest request, L events, F item columns,
C = 1 + T kinds of outcome (shown, then each positive).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.features.records import F32, I64, Arrays

CHUNK_CELLS: Final = 1 << 22
"""Comparisons held at once, at five bytes each, unless a single request needs more."""
I32 = NDArray[np.int32]


def match_counts(arrays: Arrays, length: int, kinds: int) -> F32:
    """log1p of the user's last `length` events that share each column's value → `[N, F · C]`."""
    history = arrays["history_categorical"][:, -length:].transpose(0, 2, 1).astype(np.int32)
    bits = outcome_bits(arrays["history_outcome"][:, -length:], kinds)
    item, rows = arrays["item_categorical"].astype(np.int32), arrays["group_rows"]
    counts = np.empty((*rows.shape, history.shape[1], kinds), np.float32)
    size = max(1, CHUNK_CELLS // max(1, rows.shape[1] * history[0].size))
    for start in range(0, len(rows), size):
        part = slice(start, start + size)
        counts[part] = _counts(item[rows[part]], history[part], bits[part])
    flat = counts.reshape(rows.size, history.shape[1] * kinds)
    logged: F32 = np.log1p(flat[arrays["group_place"]])
    return logged


def outcome_bits(outcome_rl: I64, kinds: int) -> F32:
    """`[R, L, C]` of 0 and 1; padding has none."""
    return (outcome_rl[..., None] >> np.arange(kinds) & 1).astype(np.float32)


def _counts(item_rkf: I32, history_rfl: I32, bits_rlc: F32) -> F32:
    requests, most, columns = item_rkf.shape
    length = history_rfl.shape[2]
    equal = (item_rkf[..., None] == history_rfl[:, None]).astype(np.float32)
    counted: F32 = equal.reshape(requests, most * columns, length) @ bits_rlc
    return counted.reshape(requests, most, columns, bits_rlc.shape[2])
