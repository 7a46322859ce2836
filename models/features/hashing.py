"""Text → 64-bit keys: the one identity of an item, a user or a categorical value everywhere."""

from collections.abc import Collection

import numpy as np
import xxhash

from models.features.records import U64


def key64(text: str) -> int:
    """XXH3-64 of the UTF-8 text; never 0, which stands for "missing"."""
    return xxhash.xxh3_64_intdigest(text.encode()) or 1


def keys64(texts: Collection[str]) -> U64:
    """`uint64[len(texts)]`, in order."""
    return np.fromiter(map(key64, texts), np.uint64, len(texts))
