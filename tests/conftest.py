"""Tests that time what they do have the machine to themselves, however many processes run."""

import fcntl
import logging
import os
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cache.logs.begin import LogHandler

RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID")
"""None where one process runs all."""

if RUN is not None:  # read when torch is imported, here and in what tests start
    # The threads of two processes on two cores wait for each other: a suite took 2.6 times as long.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    if RUN is None:
        return (yield)
    with _turn(RUN, is_alone=item.get_closest_marker("alone") is not None):
        return (yield)


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """Commands that are run in this process begin its log anew, on a stderr that is gone soon."""
    root = logging.getLogger()
    level, hook = root.level, sys.excepthook
    yield
    for handler in [each for each in root.handlers if isinstance(each, LogHandler)]:
        root.removeHandler(handler)
    root.setLevel(level)
    sys.excepthook = hook


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long begin first, so that no process ends long after the others; before them
    those that want to be alone, each of which would wait for long ones to end."""
    alone, slow = (_paths(items, marker) for marker in ("alone", "slow"))
    items.sort(key=lambda item: (item.path not in alone, item.path not in slow))


def _paths(items: list[pytest.Item], marker: str) -> set[Path]:
    return {item.path for item in items if item.get_closest_marker(marker)}


@contextmanager
def _turn(run: str, *, is_alone: bool) -> Iterator[None]:
    """Whoever wants to be alone waits at the gate, so that nobody else begins meanwhile."""
    folder = Path(tempfile.gettempdir())
    with (folder / f"{run}.gate").open("w") as gate, (folder / f"{run}.room").open("w") as room:
        fcntl.flock(gate, fcntl.LOCK_EX)
        fcntl.flock(room, fcntl.LOCK_EX if is_alone else fcntl.LOCK_SH)
        fcntl.flock(gate, fcntl.LOCK_UN)
        yield
