"""How much memory a process may still take: its control group's limit, or the machine's."""

import ctypes
import gc
import sys
from pathlib import Path
from typing import Final, NamedTuple

import psutil

CGROUP: Final = Path("/sys/fs/cgroup")
UNLIMITED: Final = 1 << 60


class Memory(NamedTuple):
    limit: int  # bytes
    used: int  # less what the kernel would give back

    def room(self, share: float) -> int:
        """Bytes until that share of the limit is taken."""
        return int(self.limit * share) - self.used


def memory(root: Path = CGROUP) -> Memory:
    """Of whichever is tighter."""
    machine = psutil.virtual_memory()
    whole = Memory(machine.total, machine.total - machine.available)
    group = _group(root)
    if group is None or group.limit - group.used >= whole.limit - whole.used:
        return whole
    return group


def _group(root: Path) -> Memory | None:
    """None without a limit of its own. Version 2, then version 1 of control groups."""
    old = root / "memory"
    for limit, used, statistics in (
        (root / "memory.max", root / "memory.current", root / "memory.stat"),
        (old / "memory.limit_in_bytes", old / "memory.usage_in_bytes", old / "memory.stat"),
    ):
        try:
            most = int(limit.read_text())  # "max" is no limit
            held = int(used.read_text()) - _reclaimable(statistics.read_text())
        except (OSError, ValueError):
            continue
        if most < UNLIMITED:
            return Memory(most, max(held, 0))
    return None


def _reclaimable(statistics: str) -> int:
    told = dict(line.split(maxsplit=1) for line in statistics.splitlines() if " " in line)
    return int(told.get("total_inactive_file", told.get("inactive_file", 0)))


def give_back() -> None:
    """Blocking. To the system what the allocator keeps of a lane that is gone."""
    gc.collect(1)
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
        if trim is not None:
            trim(0)
