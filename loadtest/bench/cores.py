"""One core for what is measured, the other for everything else."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from loadtest.errors import LoadTestError


class TooFewCores(LoadTestError):
    pass


class Cores(NamedTuple):
    measured: int
    others: int


def two_cores() -> Cores:
    """Raises TooFewCores."""
    available = sorted(os.sched_getaffinity(0))
    if len(available) < 2:
        raise TooFewCores("the load and what is loaded need a core each: run on two or more")
    return Cores(available[0], available[1])


def pin(pids: Iterable[int], core: int) -> None:
    """Every thread of each process, and so what they start afterwards."""
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it may have ended
            for task in Path(f"/proc/{pid}/task").iterdir():
                with contextlib.suppress(ProcessLookupError):
                    os.sched_setaffinity(int(task.name), {core})
