"""Gaps between requests on a logarithmic scale, and the parts of a day."""

import math
from typing import Final

import numpy as np

from models.features.records import F64, I64

OCTAVE: Final = 4
BINS: Final = 24 * OCTAVE
"""From half a second on, four to an octave; the last begins after 48 days."""
SHORTEST_MS: Final = 500.0
PARTS: Final = 8
"""Of a day, UTC."""
PART_MS: Final = 86_400_000 // PARTS


def place_of(gap_ms: F64 | I64) -> F64:
    """How many bins lie before it, and what it has passed of its own."""
    place = OCTAVE * np.log2(np.maximum(gap_ms, SHORTEST_MS) / SHORTEST_MS)
    return np.asarray(np.minimum(place, BINS - 1e-6))


def bin_of(gap_ms: F64 | I64) -> I64:
    return place_of(gap_ms).astype(np.int64)


def part_of(now_ms: I64) -> I64:
    return now_ms // PART_MS % PARTS


def between(table: F64, rows: I64, place: F64) -> F64:
    """`table[rows, bins + 1]` at places within bins, straight from one end to the other."""
    whole = place.astype(np.int64)
    lower = table[rows, whole]
    return np.asarray(lower + (table[rows, whole + 1] - lower) * (place - whole))


def at_gap(table: F64, gap_ms: float) -> F64:
    """`between` of all rows of `table[…, bins + 1]`, at one gap."""
    place = min(OCTAVE * math.log2(max(gap_ms, SHORTEST_MS) / SHORTEST_MS), BINS - 1e-6)
    whole = int(place)
    lower = table[..., whole]
    return np.asarray(lower + (table[..., whole + 1] - lower) * (place - whole))
