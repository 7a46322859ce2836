"""The thread in which a model runs: one that a process need not wait for to end."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from time import perf_counter_ns
from typing import Final, Generic, NamedTuple, TypeVar

from cache.daemon_thread import DaemonThread

A = TypeVar("A")
T = TypeVar("T")
REST_S: Final = 0.0008
"""How long the loop leaves the core to the thread before it looks again who has arrived."""
REST_AT_MOST_NS: Final = 50_000_000
"""A run that takes longer is in no hurry, or never ends; the loop is for the others then."""
TURNS: Final = 3
"""Turns of the loop from bytes in a socket to a question on its way to the cache."""


class Run(NamedTuple, Generic[A, T]):
    of: A
    done: Future[T]
    began_ns: int


class InferenceThread(Generic[A, T]):
    """One run at a time."""

    def __init__(self, name: str = "inference") -> None:
        self._thread = DaemonThread[A, T](name)
        self._is_closed = False
        self._run: Run[A, T] | None = None

    @property
    def run(self) -> Run[A, T] | None:
        """What it has not come back from."""
        run = self._run
        return None if run is None or run.done.done() else run

    @property
    def run_s(self) -> float:
        """How long it has had that; 0 while it has nothing."""
        run = self.run
        return 0.0 if run is None else (perf_counter_ns() - run.began_ns) / 1e9

    async def result(self, work: Callable[[A], T], of: A, *, rests: bool) -> T:
        """While the thread works the loop takes arrivals by the bunch, where it `rests`: woken for
        each of them, it would drive the model out of the core's caches again and again. Raises what
        the work raises, and RuntimeError once it is closed."""
        done = self._begin(work, of)
        try:
            if rests:
                await _rest(done)
            return done.result() if done.done() else await asyncio.wrap_future(done)
        finally:
            self._run = None

    def close(self, within_s: float) -> bool:
        """Blocking; what is asked by now is done first. Whether it is, in that time."""
        self._is_closed = True
        return self._thread.close(within_s)

    def _begin(self, work: Callable[[A], T], of: A) -> Future[T]:
        if self._is_closed:
            raise RuntimeError("the inference thread is closed")
        began_ns = perf_counter_ns()
        done = self._thread.begin(work, of)
        self._run = Run(of, done, began_ns)
        return done


async def _rest(done: Future[T]) -> None:
    until_ns = perf_counter_ns() + REST_AT_MOST_NS
    while not done.done() and perf_counter_ns() < until_ns:
        for _ in range(TURNS):
            await asyncio.sleep(0)
        with suppress(TimeoutError):
            done.exception(REST_S)
