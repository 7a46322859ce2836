"""Users by direction: which way each one's mean z lies from everyone's, as of one instant."""

import numpy as np

from models.features.records import F32, F64, I64
from models.replay.lending import codes_in

NOISE = 1e-6
"""Relative rounding of float32: what is no larger has no direction, and no similarity."""


class UserIndex:
    def __init__(self, user: I64, at_ms: I64, z: F32) -> None:
        order = np.argsort(at_ms, kind="stable")
        self._users, code = np.unique(user, return_inverse=True)
        self._code: I64 = code[order]
        self._at_ms, self._z = at_ms[order], z[order]

    def codes(self, user: I64) -> I64:
        """Rows of `directions`; the last one for users who were never told anything."""
        return codes_in(self._users, user)

    def directions(self, as_of_ms: int, hard_ttl_ms: int) -> F32:
        """`[U + 1, d]` of length 1, from the entries that are there by then and alive.

        Raw means all point one way, hence from the centre of all users who have one. Zeros for a
        user without a mean, or with one that is the centre itself.
        """
        alive = slice(*self._span(as_of_ms, hard_ttl_ms))
        directions = np.zeros((len(self._users) + 1, self._z.shape[1]), np.float32)
        if alive.start < alive.stop:
            code, mean = _means(self._code[alive], self._z[alive])
            directions[code] = _centred(mean)
        return directions

    def _span(self, as_of_ms: int, hard_ttl_ms: int) -> tuple[int, int]:
        first = np.searchsorted(self._at_ms, as_of_ms - hard_ttl_ms, side="left")
        end = np.searchsorted(self._at_ms, as_of_ms, side="right")
        return int(first), int(end)


def _means(code: I64, z: F32) -> tuple[I64, F64]:
    order = np.argsort(code, kind="stable")
    codes, starts, counts = np.unique(code[order], return_index=True, return_counts=True)
    total = np.add.reduceat(z[order], starts, axis=0, dtype=np.float64)
    return codes, total / counts[:, None]


def _centred(mean: F64) -> F64:
    centre = mean.mean(axis=0)
    away = mean - centre
    length = np.linalg.norm(away, axis=1, keepdims=True)
    scale = np.linalg.norm(mean, axis=1, keepdims=True) + np.linalg.norm(centre)
    directed = length > NOISE * scale
    unit: F64 = np.where(directed, away / np.where(directed, length, 1.0), 0.0)
    return unit
