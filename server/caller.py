"""Who waits for an answer: what their work may displace, and whether they still wait."""

from collections.abc import Callable
from typing import Final, NamedTuple


class HungUp(Exception):
    """The caller is gone: nothing is worked out for it, and nobody is told."""


def _waits() -> bool:
    return False


class Caller(NamedTuple):
    has_hung_up: Callable[[], bool] = _waits
    is_low: bool = False
    """Of low priority: first to be refused, last to be judged."""


PATIENT: Final = Caller()
"""One that does not leave: warm-up, and whoever has no connection."""
