"""The cores that this process may use: its affinity, within the quota of its control group.

The machine's core count, which ONNX Runtime would take by itself, is neither: in a container with
two cores of 64 it starts 64 threads that wait for each other.
"""

import os
from pathlib import Path
from typing import Final

CPU_MAX: Final = Path("/sys/fs/cgroup/cpu.max")


def usable_cores(cpu_max: Path = CPU_MAX) -> int:
    """At least 1; a quota of 2.5 cores is 2, since a third thread would wait for half a core."""
    cores = len(os.sched_getaffinity(0))
    quota = _quota(cpu_max)
    return cores if quota is None else max(1, min(cores, int(quota)))


def _quota(cpu_max: Path) -> float | None:
    """In cores; None where there is none. The file holds `max 100000` or `250000 100000`, in µs
    (cgroup v2)."""
    try:
        limit, period = cpu_max.read_text().split()
        return None if limit == "max" else int(limit) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None
