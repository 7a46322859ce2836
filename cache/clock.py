"""The wall clock in the unit of every timestamp."""

import time


def wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000
