"""One request's inputs in arrays of a bucket's size, which outlive the request."""

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

import numpy as np

from models.features.records import U8, Arrays
from models.providers.buckets import shape_in
from models.schema import TensorSpec

ALIGNMENT: Final = 256
"""Bytes: CUDA's own allocations begin at a multiple of it."""


class PaddedInputs:
    """Candidates past the request's own are zeros: rows of the same request, of an item that
    nothing is known of. A graph scores each candidate by itself, so they change no other."""

    def __init__(self, specs: Sequence[TensorSpec], bucket: int) -> None:
        sizes = [_bytes(spec, bucket) for spec in specs]
        *starts, end = accumulate(map(_aligned, sizes), initial=0)
        self.memory: U8 = np.zeros(end, np.uint8)
        """All arrays, one after the other: one copy takes them to a device."""
        self.starts = {spec.name: start for spec, start in zip(specs, starts, strict=True)}
        """Where each array begins in `memory`."""
        self.arrays: Arrays = {
            spec.name: self.memory[start : start + size]
            .view(spec.dtype)
            .reshape(shape_in(spec, bucket))
            for spec, start, size in zip(specs, starts, sizes, strict=True)
        }
        self._specs = specs

    def write(self, arrays: Arrays) -> Arrays:
        """Of one request with at most the bucket's candidates; returns `self.arrays`."""
        for spec in self._specs:
            self._write(spec, arrays)
        return self.arrays

    def _write(self, spec: TensorSpec, arrays: Arrays) -> None:
        padded, given = self.arrays[spec.name], arrays[spec.name]
        if spec.shape[0] == "N":
            padded[: len(given)] = given
            padded[len(given) :] = 0
        elif "K" in spec.shape:
            padded[:, : given.shape[1]] = given
            padded[:, given.shape[1] :] = 0
        else:
            padded[:] = given


def _bytes(spec: TensorSpec, bucket: int) -> int:
    return math.prod(shape_in(spec, bucket)) * np.dtype(spec.dtype).itemsize


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
