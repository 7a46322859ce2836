"""Caps as they are said in words, to compare with."""

from collections import Counter
from collections.abc import Sequence

from models.features.records import U64


def in_turn(groups: U64, limits: Sequence[int], taken: Sequence[int], count: int) -> list[int]:
    """Of candidates that are not taken, one after another, at most `count`: who still fits."""
    held = [Counter(column[list(taken)].tolist()) for column in groups.T]
    kept: list[int] = []
    for item in sorted(set(range(len(groups))) - set(taken)):
        keys = groups[item].tolist()
        fits = [
            not key or counts[key] < limit
            for key, counts, limit in zip(keys, held, limits, strict=True)
        ]
        if all(fits) and len(kept) < count:
            kept.append(item)
            for key, counts in zip(keys, held, strict=True):
                counts[key] += 1
    return kept
