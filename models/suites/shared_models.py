"""Models that several suites train in common, and what each suite would have cost alone."""

import time
from collections.abc import Callable, Hashable
from typing import TypeVar, cast

Made = TypeVar("Made")


class SharedModels:
    """Makes what is asked for once, and charges its CPU time to every suite that asks for it."""

    def __init__(self) -> None:
        self._made: dict[Hashable, tuple[object, float]] = {}
        self._charged: set[Hashable] = set()
        self.borrowed_s = 0.0  # CPU seconds of what suites before this one made for it

    def begin_suite(self) -> None:
        self._charged.clear()
        self.borrowed_s = 0.0

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """`make` must not ask for another model here: that one's time would count twice."""
        if key not in self._made:
            began = time.process_time()
            self._made[key] = make(), time.process_time() - began
        elif key not in self._charged:
            self.borrowed_s += self._made[key][1]
        self._charged.add(key)
        return cast("Made", self._made[key][0])
