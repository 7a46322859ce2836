"""A thread for blocking work that may never end: the process need not wait for it."""

from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import Generic, NamedTuple, TypeVar

A = TypeVar("A")
T = TypeVar("T")


class Work(NamedTuple, Generic[A, T]):
    do: Callable[[A], T]
    of: A
    done: Future[T]


class DaemonThread(Generic[A, T]):
    """One piece of work at a time, from the first on. The interpreter joins the threads of an
    executor at its end, however long they take; a driver that hangs would keep the process for
    ever."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._asked: SimpleQueue[Work[A, T] | None] = SimpleQueue()
        self._thread: Thread | None = None

    def begin(self, do: Callable[[A], T], of: A) -> Future[T]:
        """After what was asked before."""
        if self._thread is None:
            self._thread = Thread(target=self._runs, name=self._name, daemon=True)
            self._thread.start()
        done: Future[T] = Future()
        self._asked.put(Work(do, of, done))
        return done

    def close(self, within_s: float) -> bool:
        """Blocking; what is asked by now is done first. Whether it is, in that time."""
        if self._thread is None:
            return True
        self._asked.put(None)
        self._thread.join(within_s)
        return not self._thread.is_alive()

    def _runs(self) -> None:
        while (asked := self._asked.get()) is not None:
            self._do(asked)
            del asked  # or the last batch would be kept until the next

    def _do(self, asked: Work[A, T]) -> None:
        if not asked.done.set_running_or_notify_cancel():
            return
        try:
            result = asked.do(asked.of)
        except BaseException as error:
            asked.done.set_exception(error)
        else:
            asked.done.set_result(result)
