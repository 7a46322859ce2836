"""The slowest of the last windows, whatever comes."""

from collections import deque
from collections.abc import Iterator
from heapq import heappush, heappushpop
from itertools import count
from typing import Final, Generic, TypeVar

WINDOWS: Final = 10
T = TypeVar("T")
_Held = tuple[int, int, T]


class SlowRing(Generic[T]):
    """Of each window the `kept` slowest. Of two that took the same time the earlier stays."""

    __slots__ = ("_before", "_heap", "_numbers", "above_ns", "kept")

    def __init__(self, kept: int, windows: int = WINDOWS) -> None:
        """The window under way is one of the `windows`."""
        self.kept = kept
        self._heap: list[_Held[T]] = []
        self._before: deque[list[_Held[T]]] = deque(maxlen=windows - 1)
        self._numbers = count()
        self.above_ns = -1
        """Only what took longer can be among the slowest of this window."""

    def add(self, took_ns: int, request: T) -> None:
        """Call it for what took longer than `above_ns`."""
        held = (took_ns, -next(self._numbers), request)
        if len(self._heap) < self.kept:
            heappush(self._heap, held)
        else:
            heappushpop(self._heap, held)
        if len(self._heap) == self.kept:
            self.above_ns = self._heap[0][0]

    def turn(self) -> None:
        """A window is over, and the oldest leaves."""
        self._before.append(self._heap)
        self._heap, self.above_ns = [], -1

    def slowest(self) -> Iterator[T]:
        """Of all windows, the slowest first."""
        every = [held for heap in (*self._before, self._heap) for held in heap]
        return (request for _, _, request in sorted(every, key=lambda held: held[:2], reverse=True))
