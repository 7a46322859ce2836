"""One request's inputs in arrays of a bucket's size, which outlive the request."""

from collections.abc import Sequence

import numpy as np

from models.features.records import Arrays
from models.providers.buckets import shape_in
from models.schema import TensorSpec


class PaddedInputs:
    """Candidates past the request's own are zeros: rows of the same request, of an item that
    nothing is known of. A graph scores each candidate by itself, so they change no other."""

    def __init__(self, specs: Sequence[TensorSpec], bucket: int) -> None:
        self.arrays: Arrays = {
            spec.name: np.zeros(shape_in(spec, bucket), spec.dtype) for spec in specs
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
