"""Run as a script: a refresher with something wrong.

    python tests/cache/refresh/odd_worker.py WHAT URL LEASE_MS

WHAT is a step of its loop after which it ends as if killed (`leased`, `read`, `begun`, `judged`,
`written`, `settled`), `skewed` (its calendar is an hour ahead), `hangs` (its teacher never
answers), `is-hung` (nor does it, and it counts as hung at the third look), or `freezes` and
`freezes-late` (it stops itself while it judges, or just before it writes).
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from typing import Any

from cache.logs.begin import begin_logs
from cache.refresh.process import live
from cache.refresh.stacked import Wanted
from cache.refresh.teacher import Judged
from cache.refresh.teacher_thread import ENDLESS, Patience
from tests.cache.refresh.live_space import Hired, LiveSpace
from tests.cache.refresh.worker_bench import Counting

DRAIN_S = 1.0
HOUR_S = 3600

Step = Callable[..., Awaitable[Any]]


class Odd(Counting):
    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what

    def judge(self, wanted: Sequence[Wanted]) -> Judged:
        if self.what in ("hangs", "is-hung"):
            say("judging")
            time.sleep(600)
        if self.what == "freezes":
            freeze()
        return super().judge(wanted)


def say(what: str) -> None:
    sys.stdout.write(what + "\n")
    sys.stdout.flush()


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@cache
def freeze() -> None:
    """Once."""
    say("frozen")
    os.kill(os.getpid(), signal.SIGSTOP)


def after(step: Step, what: Callable[[], None]) -> Step:
    async def then(*arguments: Any) -> Any:
        told = await step(*arguments)
        what()
        return told

    return then


def before(step: Step, what: Callable[[], None]) -> Step:
    async def first(*arguments: Any) -> Any:
        what()
        return await step(*arguments)

    return first


def spoil(worker: Any, what: str) -> None:
    """The named step of its loop."""
    match what:
        case "leased":
            worker.intake.refill = before(worker.intake.refill, kill)
        case "read":
            worker.loop._attempts.run = before(worker.loop._attempts.run, kill)
        case "begun":
            worker.backlog.begin = after(worker.backlog.begin, kill)
        case "judged":
            worker.refresher.judge = after(worker.refresher.judge, kill)
        case "written":
            worker.refresher.write = after(worker.refresher.write, kill)
        case "settled":
            worker.backlog.settle = after(worker.backlog.settle, kill)
        case "freezes-late":
            worker.store.replace_many = before(worker.store.replace_many, freeze)
        case "skewed":
            time.time, time.time_ns = (
                _ahead(time.time, HOUR_S),
                _ahead(time.time_ns, HOUR_S * 10**9),
            )


def _ahead(clock: Callable[[], Any], by: int) -> Callable[[], Any]:
    return lambda: clock() + by


async def main(what: str, url: str, lease_ms: int) -> None:
    begin_logs("refresher")
    space = LiveSpace(url)
    patience = Patience(3, 3, look_s=0.01) if what == "is-hung" else ENDLESS
    worker = Hired(space, b"odd", Odd(what), lease_ms=lease_ms, patience=patience)
    spoil(worker, what)
    await live(worker.loop, worker.tally, "refresh", DRAIN_S)
    await space.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
