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
    digests = map(xxhash.xxh3_64_intdigest, map(str.encode, texts))
    keys = np.fromiter(digests, np.uint64, len(texts))
    keys[keys == 0] = 1
    return keys
