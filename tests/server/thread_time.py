"""What a call takes of its thread's processor time, for the tables of docs."""

import sys
import time
import timeit
from collections.abc import Callable
from typing import Final

ROUNDS: Final = 3200
REPEATS: Final = 9


def say(what: str, timed: Callable[[], object]) -> None:
    taken = timeit.repeat(timed, timer=time.thread_time, number=ROUNDS, repeat=REPEATS)
    sys.stdout.write(f"{what:40} {min(taken) / ROUNDS * 1e9:10,.0f} ns\n")
