"""What a figure was measured on."""

import os
import platform
from pathlib import Path


def hardware() -> str:
    """`<cpu model>, <n> cores`; the architecture where the model is not told."""
    return f"{_cpu_model()}, {len(os.sched_getaffinity(0))} cores"


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())
