"""What the teacher alone judges on so many cores, without Ray and Redis: a backfill's ceiling.

    python -m cache.refresh.backfill.ceiling TEACHER CATALOGUE [SECONDS]

Prints pairs a second of one process, and of two independent ones at the same time.
"""

import sys
import time
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, Final

import numpy as np

from cache.record import UserRecord, empty_record
from cache.refresh.stacked import Wanted
from cache.refresh.teacher import Teacher
from models.features.catalogue import Catalogue
from models.features.records import U64
from models.runtime import load
from models.schema import LogSchema, categorical, numbers

USERS: Final = 64
ITEMS: Final = 128
EVENTS: Final = 50
CANDIDATE_LIMIT: Final = 4096
HOUR_MS: Final = 3_600_000
NOW_MS: Final = 1_760_000_000_000


def pairs_per_s(teacher: Path, catalogue: Path, processes: int, seconds: float) -> float:
    """Of all processes together; they begin at the same moment, once each is warm."""
    context = get_context("spawn")
    barrier, told = context.Barrier(processes), context.SimpleQueue()
    started = [
        context.Process(target=_judge, args=(teacher, catalogue, seconds, barrier, told))
        for _ in range(processes)
    ]
    for process in started:
        process.start()
    total = sum(float(told.get()) for _ in started)
    for process in started:
        process.join()
    return total


def _judge(teacher: Path, catalogue: Path, seconds: float, barrier: Barrier, told: Any) -> None:
    model = load(teacher)
    log = model.manifest.features.log
    items = Catalogue.load(catalogue, log)
    judge = Teacher(model, items, CANDIDATE_LIMIT)
    wanted = _wanted(log, items.keys)
    judge.judge(wanted)
    barrier.wait()
    began_s, judged = time.monotonic(), 0
    while time.monotonic() - began_s < seconds:
        judged += len(judge.judge(wanted).logit)
    told.put(judged / (time.monotonic() - began_s))


def _wanted(log: LogSchema, keys: U64) -> list[Wanted]:
    """Users with a history of any items, each asked the same number of others."""
    rng = np.random.default_rng(0)
    context, numeric = categorical(log.context), numbers(log.context)
    return [
        Wanted(
            _user(log, rng.choice(keys, EVENTS)),
            NOW_MS,
            np.ones(len(context), np.uint64),
            np.zeros(len(numeric), np.float32),
            rng.choice(keys, ITEMS),
        )
        for _ in range(USERS)
    ]


def _user(log: LogSchema, met: U64) -> UserRecord:
    columns, numeric = len(categorical(log.user)), len(numbers(log.user))
    nobody = empty_record(columns, numeric, len(log.tasks), log.fingerprint())
    times_ms = NOW_MS - HOUR_MS * np.arange(len(met), 0, -1)
    return nobody._replace(items=met, times_ms=times_ms, outcomes=np.ones(len(met), np.uint8))


def main() -> None:
    teacher, catalogue = map(Path, sys.argv[1:3])
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 10.0
    one, two = (pairs_per_s(teacher, catalogue, count, seconds) for count in (1, 2))
    sys.stdout.write(
        f"1 process {one:,.0f} pairs/s, 2 processes {two:,.0f} pairs/s, {two / one:.2f} ×\n"
    )


if __name__ == "__main__":
    main()
