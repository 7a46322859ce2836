"""Memory that one rerank after another uses: new pages cost more than the arithmetic in them."""

import numpy as np

from models.features.records import F64


class Scratch:
    """Not for two at once. As large as the largest slate so far needed."""

    def __init__(self) -> None:
        self._held = np.empty(0)

    def table(self, rows: int, columns: int) -> F64:
        """`[rows, columns]` of whatever was there before."""
        size = rows * columns
        if len(self._held) < size:
            self._held = np.empty(size)
        return self._held[:size].reshape(rows, columns)
