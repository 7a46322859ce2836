"""The kinds of harm, where each is to be stopped, and by what."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from server.rollout.state import Stage
from tests.server.rollout.harm.graph_edits import (
    Edit,
    constant,
    inverted,
    killing,
    poisoned,
    raising,
    reordered,
    rescored,
    slowed,
)
from tests.server.rollout.harm.students import (
    CALIBRATION,
    CENTRE,
    HINT,
    PRICE,
    SHOWN,
    TASKS,
    edited,
    good_student,
    serving_of,
)

UNFILLED: Final = "0bad0bad0bad0bad"
MANY: Final = 10
"""Candidates: more than the golden batch has, fewer than a request."""
WIDE: Final = 1.2
"""As the student reads slot_width: of no golden or warm-up request, of some users' all."""
STATISTICS: Final = r"^(scores|agreement|calibration|clicks|value): "


class Kind(NamedTuple):
    build: Callable[[Path], Path]  # its serving folder, in an empty one
    stages: tuple[Stage, ...]  # in which it may be stopped
    reason: str  # as a pattern


def good(parent: Path) -> Path:
    return serving_of(parent, good_student(parent))


def as_good(parent: Path) -> Path:
    return serving_of(parent, good_student(parent, shift=1e-3))


def _kind(edit: Edit, reason: str, *stages: Stage) -> Kind:
    def build(parent: Path) -> Path:
        return serving_of(parent, edited(parent, good_student(parent), edit))

    return Kind(build, stages, reason)


def _of_an_unfilled_space(parent: Path) -> Path:
    student = edited(parent, good_student(parent), reads_space=UNFILLED)
    return serving_of(parent, student, UNFILLED)


def _swapped() -> Edit:
    order = list(range(4))
    order[PRICE], order[SHOWN] = SHOWN, PRICE
    return reordered("item_number", order)


def _times(factor: float) -> Edit:
    return rescored(factor, [CALIBRATION] * len(TASKS))


_ROLLED: Final = [*range(1, len(HINT)), 0]
KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "slow": _kind(slowed(16), r"it is slow: \d", "verifying"),
        "raising": _kind(raising(MANY), r"no scores .*failed", "verifying"),
        "killing": _kind(killing(MANY), r"SIGFPE", "verifying"),
        "constant": _kind(constant, r"the same for all", "verifying"),
        "no number": _kind(
            poisoned("context_number", 0, WIDE), r"not_finite|nan_limit", "verifying", "shadowing"
        ),
        "inverted": _kind(inverted(CENTRE), STATISTICS, "shadowing", "canary"),
        "doubled": _kind(_times(2.0), STATISTICS, "shadowing", "canary"),
        "halved": _kind(_times(0.5), STATISTICS, "shadowing", "canary"),
        "half as much again": _kind(_times(1.5), STATISTICS, "shadowing", "canary"),
        "wrong feature order": _kind(_swapped(), STATISTICS, "shadowing"),
        "unfilled space": Kind(_of_an_unfilled_space, ("shadowing",), r"not filled"),
        "wrong space": _kind(reordered("teacher_z", _ROLLED), STATISTICS, "shadowing"),
    }
)
