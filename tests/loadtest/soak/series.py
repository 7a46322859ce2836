"""Windows as a soak might see them, made up: nothing in them grows unless a slope is added."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

BEFORE: Final = 200
"""Windows until what they began with is forgotten."""


def resembling(likeness: float) -> Callable[[np.random.Generator, int], F64]:
    """AR(1): each window is `likeness` of the one before, and noise."""

    def made(rng: np.random.Generator, count: int) -> F64:
        noise, values = rng.standard_normal(BEFORE + count), np.zeros(BEFORE + count)
        for place in range(1, BEFORE + count):
            values[place] = likeness * values[place - 1] + noise[place]
        return values[BEFORE:]

    return made


def spiky(rng: np.random.Generator, count: int) -> F64:
    """A p99 on a shared machine: half alike, and one window in ten many times as high."""
    hit = rng.random(count) < 0.05
    bursts = (hit | np.roll(hit, 1)) * rng.exponential(15.0, count)
    values: F64 = resembling(0.5)(rng, count) + bursts
    return values


def stepping(rng: np.random.Generator, count: int) -> F64:
    """Memory: now and then a step, up or down, that stays."""
    steps = (rng.random(count) < 0.02) * rng.normal(0.0, 3.0, count)
    values: F64 = np.cumsum(steps) + 0.3 * rng.standard_normal(count)
    return values


def wandering(rng: np.random.Generator, count: int) -> F64:
    values: F64 = np.cumsum(rng.standard_normal(count))
    return values


SERIES: Final[dict[str, Callable[[np.random.Generator, int], F64]]] = {
    "independent": resembling(0.0),
    "alike, 0.5": resembling(0.5),
    "alike, 0.8": resembling(0.8),
    "spiky": spiky,
    "steps that stay": stepping,
    "random walk": wandering,
}
