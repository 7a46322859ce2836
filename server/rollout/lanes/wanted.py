"""A student that is to be opened: by where it is and its version."""

from collections.abc import Callable

from server.rollout.state import STARTED_WITH

Wanted = tuple[str, str]


def wanted_of(where: str, version: str) -> Wanted:
    """What a gateway was started with is whatever it was started with."""
    return where, "" if where == STARTED_WITH else version


def named(where: str) -> str:
    return where or "the bundle that was given"


class Pause:
    """After a failure, until what failed is tried again; another is tried at once."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failed: Wanted | None = None
        self._at_s = 0.0

    def begin(self, wanted: Wanted) -> None:
        self._failed, self._at_s = wanted, self._clock()

    def lasts(self, wanted: Wanted, for_s: float) -> bool:
        return wanted == self._failed and self._clock() - self._at_s < for_s
