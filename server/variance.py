"""How much of each candidate the picks leave unexplained.

S_ij = (1 + cos) / 2 is the inner product of the vectors (unit embedding, 1) / √2, so a row of S is
computed from those when its item is picked, and the matrix of all pairs never.

Letters: n candidates, d embedding width, k picks, w of them in a window.
"""

import math
from typing import Final, Protocol

import numpy as np

from models.features.records import F32, F64, I64, Mask

EPSILON: Final = 1e-6
"""A candidate whose variance fell to this share of its own is a copy of what is picked."""
FEW: Final = 16


class Variance(Protocol):
    left: F64
    """[n] of 1; what it is for an item that is picked means nothing."""

    def pick(self, item: int) -> None: ...


def vectors(embeddings: F32, known: Mask, rows: F64) -> Mask | None:
    """Into `rows` [d + 1, n], columns of zeros where nothing is known; returns where something is:
    an embedding of zeros is none. None when one is not finite."""
    rows[:-1] = embeddings.T
    squares = np.einsum("ij,ij->j", rows[:-1], rows[:-1])
    if not np.isfinite(squares).all():
        return None
    known = known & (squares != 0.0)
    rows[:-1] *= known / np.sqrt(2.0 * np.where(known, squares, 1.0))
    rows[-1] = known * math.sqrt(0.5)
    return known


class GivenAll:
    """Given every pick: an orthonormal basis of their vectors, so that a pick costs O(d·n) however
    many there were. What it explains of each is a row of Cholesky's factor of S, squared."""

    def __init__(self, table: F64, width: int) -> None:
        self._vectors = table[:width]
        self._basis = np.empty((width, width))
        self._used = 0
        self._change = np.empty(table.shape[1])
        self.left = np.ones(table.shape[1])

    def pick(self, item: int) -> None:
        variance = self.left[item]
        if variance <= EPSILON or self._used == len(self._basis):
            return
        basis, along = self._basis[: self._used], self._vectors[:, item].copy()
        new = self._basis[self._used]
        np.subtract(along, basis.dot(along).dot(basis), out=new)
        new /= math.sqrt(variance)
        np.dot(new, self._vectors, out=self._change)
        self._change *= self._change
        self.left -= self._change
        self.left[item] = 0.0
        self._used += 1


class GivenSome:
    """Given the picks that were not forgotten, at most w; O(w·n) to pick, and to forget.

    A is the inverse of S over those held, R their rows of S; the variance of item i is
    1 − Rᵢᵀ·A·Rᵢ. One item more or less is a term of rank one: with u = (A·Rⱼ, −1) / √(variance of
    j) to pick j, and u = A's column / √(its diagonal) to forget it, the variances fall or rise by
    (uᵀ·R)² and A grows or shrinks by u·uᵀ.

    `table` [d + 1 + w, n]: the vectors, then room for R.
    """

    def __init__(self, table: F64, width: int) -> None:
        self._vectors, self._rows = table[:width], table[width:]
        self._rows[:] = 0.0
        held, count = self._rows.shape
        self._inverse = np.zeros((held, held))
        self._slots: dict[int, int] = {}
        self._free = list(range(held))
        self._change = np.empty(count)
        self.left = np.ones(count)

    def pick(self, item: int) -> None:
        if self.left[item] <= EPSILON:
            return
        slot = self._slots[item] = self._free.pop()
        np.dot(self._vectors[:, item], self._vectors, out=self._rows[slot])
        similar = self._rows[:, item]
        along = self._inverse @ similar
        variance = 1.0 - float(along @ similar)
        along[slot] = -1.0
        along /= math.sqrt(max(variance, EPSILON))
        self.left -= self._explained(along)
        self._inverse += np.outer(along, along)

    def forget(self, item: int) -> None:
        """Nothing for an item that was a copy of others when it was picked."""
        slot = self._slots.pop(item, None)
        if slot is None:
            return
        along = self._inverse[slot] / math.sqrt(self._inverse[slot, slot])
        self.left += self._explained(along)
        self._inverse -= np.outer(along, along)
        self._inverse[slot] = self._inverse[:, slot] = 0.0
        self._free.append(slot)

    def _explained(self, along: F64) -> F64:
        np.dot(along, self._rows, out=self._change)
        self._change *= self._change
        return self._change


def has_choice(rows: F64, items: I64, picks: I64) -> bool:
    """Whether more than one of these is no copy of any one pick. The first few mostly tell."""
    found = 0
    for some in (items[:FEW], items[FEW:]):
        similar = rows[:, picks].T @ rows[:, some]
        found += int(((1.0 - similar * similar) > EPSILON).all(axis=0).sum())
        if found > 1:
            return True
    return False
