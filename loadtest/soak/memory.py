"""What processes keep resident while a load lasts."""

import asyncio
import itertools
import math
import time
from array import array
from collections.abc import Mapping
from typing import Final

import psutil

from loadtest.stack import family

EVERY_S: Final = 0.5
MB: Final = 1e6


class Memory:
    """By name, each with the children that it has by now. Reading takes some 30 µs a process: it
    is done beside a load that is timed."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self.at_s = array("d")
        self.resident_mb = {name: array("d") for name in pids}
        self._families = {name: _living(pid) for name, pid in pids.items()}

    async def watch(self) -> None:
        """Until cancelled; times count from here."""
        began_s = time.perf_counter()
        for number in itertools.count(1):
            spent_s = time.perf_counter() - began_s
            await asyncio.sleep(max(0.0, number * EVERY_S - spent_s))
            self.read(time.perf_counter() - began_s)

    def read(self, at_s: float) -> None:
        self.at_s.append(at_s)
        for name, processes in self._families.items():
            self.resident_mb[name].append(_resident_mb(processes))


def _living(pid: int) -> list[psutil.Process]:
    try:
        return family(pid)
    except psutil.NoSuchProcess:
        return []


def _resident_mb(processes: list[psutil.Process]) -> float:
    """NaN from when one of them has ended: whoever takes its place begins anew."""
    if not processes:
        return math.nan
    try:
        return float(sum(each.memory_info().rss for each in processes)) / MB
    except psutil.NoSuchProcess:
        return math.nan
