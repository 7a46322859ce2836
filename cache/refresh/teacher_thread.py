"""The thread in which the teacher runs: one that the process need not wait for to end."""

import asyncio
import math
from collections.abc import Sequence
from typing import Final, NamedTuple, Self

from cache.daemon_thread import DaemonThread
from cache.errors import TeacherHung
from cache.refresh.stacked import Wanted
from cache.refresh.teacher import Judge, Judged

LOOK_S: Final = 1.0
HUNG_S: Final = 30.0
FIRST_HUNG_S: Final = 300.0
"""Until one run has come back: the first makes ready what the others find, on a GPU above all."""
PATIENCE: Final = 20.0
"""Times what a batch is to take, where that is more."""
BEYOND: Final = 2.0
"""Times what the teacher itself allows a run elsewhere: it gives up before it counts as hung."""


class Patience(NamedTuple):
    """Looks at one run until it counts as hung."""

    looks: float
    first_looks: float
    look_s: float = LOOK_S

    @classmethod
    def of(cls, batch_ms: float, elsewhere_s: float | None) -> Self:
        """`elsewhere_s`: what a teacher in another process may take."""
        hung_s = max(HUNG_S, PATIENCE * batch_ms / 1000.0, BEYOND * (elsewhere_s or 0.0))
        return cls(hung_s / LOOK_S, max(FIRST_HUNG_S, hung_s) / LOOK_S)


ENDLESS: Final = Patience(math.inf, math.inf)


class TeacherThread:
    """One run at a time."""

    def __init__(self, teacher: Judge, patience: Patience = ENDLESS) -> None:
        self._teacher = teacher
        self._patience = patience
        self._thread = DaemonThread[Sequence[Wanted], Judged]("teacher")
        self._has_come_back = False

    async def judge(self, wanted: Sequence[Wanted]) -> Judged:
        """Raises what the teacher raises, and TeacherHung, after which nothing more is judged."""
        done = asyncio.wrap_future(self._thread.begin(self._teacher.judge, wanted))
        await self._back(done)
        self._has_come_back = True
        return done.result()

    async def _back(self, done: asyncio.Future[Judged]) -> None:
        """Looks are counted rather than seconds: of a process that stood still nobody knows
        whether the teacher would have come back meanwhile."""
        patience = self._patience
        most = patience.looks if self._has_come_back else patience.first_looks
        looks = 0
        while not done.done():
            if looks >= most:
                waited_s = looks * patience.look_s
                raise TeacherHung(
                    f"the teacher has not come back from a run for {waited_s:.0f} s ({looks} looks)"
                )
            await asyncio.wait([done], timeout=patience.look_s)
            looks += 1
