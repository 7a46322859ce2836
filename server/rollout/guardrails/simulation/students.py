"""The students that are tried: one like the stable one, and one of each way to do harm."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np

from models.features.records import F64
from server.rollout.guardrails.simulation.world import BASE, Scoring, World, good, sigmoid

ERROR_RATE: Final = 0.0005
"""Of the stable lane, and of every canary that does not fail of itself."""


class Student(NamedTuple):
    scoring: Scoring = good
    error_rate: float = ERROR_RATE
    nan_share: float = 0.0
    constant_share: float = 0.0
    inference: float = 1.0  # time, as a multiple


def inverted(world: World, rng: np.random.Generator) -> F64:
    return 2.0 * BASE - good(world, rng)


def doubled(world: World, rng: np.random.Generator) -> F64:
    p = np.minimum(2.0 * sigmoid(good(world, rng)), 0.999)
    found: F64 = np.log(p / (1.0 - p))
    return found


def halved(world: World, rng: np.random.Generator) -> F64:
    p = 0.5 * sigmoid(good(world, rng))
    found: F64 = np.log(p / (1.0 - p))
    return found


def constant(world: World, rng: np.random.Generator) -> F64:
    return np.full_like(world.features, BASE)


def permuted(world: World, rng: np.random.Generator) -> F64:
    """Its scores, each given to another candidate of the request."""
    return rng.permuted(good(world, rng), axis=1)


def wrong_space(world: World, rng: np.random.Generator) -> F64:
    """What it reads as the teacher's word is somebody else's."""
    strange = rng.permuted(world.hints.ravel()).reshape(world.hints.shape)
    return good(world._replace(hints=strange), rng)


STABLE: Final = Student()
ALIKE: Final = "like the stable one (A/A)"
STUDENTS: Final[Mapping[str, Student]] = MappingProxyType(
    {
        ALIKE: Student(),
        "inverted": Student(inverted),
        "probabilities doubled": Student(doubled),
        "probabilities halved": Student(halved),
        "slow, +50 % inference": Student(inference=1.5),
        "failing, 1 % errors": Student(error_rate=0.01),
        "NaN in 5 % of requests": Student(nan_share=0.05),
        "constant": Student(constant, constant_share=1.0),
        "wrong feature order, scores permuted": Student(permuted),
        "wrong space, hints random": Student(wrong_space),
    }
)
