"""Says quickly of most keys that they are not in a set."""

from typing import Final, NamedTuple, Self

import numpy as np

from models.features.records import U64, Mask

SPARSE: Final = 16
"""Places a key of the set: one key in sixteen that is not in it passes."""


class Sieve(NamedTuple):
    """A search among sorted keys is a chain of guesses that the processor cannot foresee; a look at
    the first bits, which are as good as random, takes an eighth of its time."""

    is_taken: Mask  # by the first bits of a key
    shift: np.uint64

    @classmethod
    def of(cls, keys: U64) -> Self:
        bits = max(SPARSE * len(keys) - 1, 1).bit_length()
        shift = np.uint64(64 - bits)
        is_taken = np.zeros(1 << bits, np.bool_)
        is_taken[keys >> shift] = True
        return cls(is_taken, shift)

    def holds(self, keys: U64) -> Mask:
        """Keys of any shape: False for those that are certainly not in the set."""
        return self.is_taken.take((keys >> self.shift).view(np.int64))
