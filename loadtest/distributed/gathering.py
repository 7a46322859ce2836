"""Samples on their way from locust's workers to its master, and from there into a file."""

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from loadtest.errors import StepFailed
from loadtest.run.answers import Sample
from loadtest.run.engine import Ran
from loadtest.run.faults import first_answers
from loadtest.run.figures import Cost
from loadtest.run.samples import Recorder

KEY: Final = "understudy"
MOST: Final = 1_000_000
"""Samples that a worker keeps while its master does not take them."""


class Outbox:
    """A worker's samples since its last report."""

    def __init__(self, cpu_s: Callable[[], float]) -> None:
        self._rows: deque[Sample] = deque(maxlen=MOST)
        self._cpu_s = cpu_s
        self._cpu_began_s = cpu_s()

    def restart(self) -> None:
        self._rows.clear()
        self._cpu_began_s = self._cpu_s()

    def put(self, sample: Sample) -> None:
        self._rows.append(sample)

    def report(self, data: dict[str, Any]) -> None:
        rows = [list(row) for row in self._rows]
        self._rows.clear()
        data[KEY] = {"rows": rows, "cpu_s": self._cpu_s() - self._cpu_began_s}


class Inbox:
    """The master's samples of all workers."""

    def __init__(self) -> None:
        self._rows: list[list[Any]] = []
        self._cpu_s: dict[str, float] = {}

    def restart(self) -> None:
        self._rows.clear()
        self._cpu_s.clear()

    def take(self, client_id: str, data: dict[str, Any]) -> None:
        if told := data.get(KEY):
            self._rows += told["rows"]
            self._cpu_s[client_id] = told["cpu_s"]

    def write(self, path: Path) -> None:
        path.write_bytes(msgspec.msgpack.encode({"rows": self._rows, "cpu_s": self._cpu_s}))


class _Written(msgspec.Struct):
    rows: list[Sample]
    cpu_s: dict[str, float]


def read(path: Path) -> Ran:
    """Raises StepFailed where no worker reported anything."""
    try:
        told = msgspec.msgpack.decode(path.read_bytes(), type=_Written)
    except FileNotFoundError:
        told = _Written([], {})
    if not told.rows:
        raise StepFailed("no worker of locust reported an answer: its words are above")
    recorder = Recorder()
    for row in told.rows:
        recorder.add(row)
    samples = recorder.samples()
    elapsed_s = float((samples.due_s + samples.latency_ms / 1000.0).max())
    cost = Cost(sum(told.cpu_s.values()), len(told.cpu_s))
    return Ran(samples, elapsed_s, cost, first_answers(samples))
