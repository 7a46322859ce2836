"""Two rollouts that nobody attends to: the better student, then the harmful one."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from loadtest.demo.rollout.admin import Admin
from loadtest.errors import LoadTestError

BEFORE_S: Final = 3.0
REST_S: Final = 3.0
LOOK_S: Final = 0.4
RUNNING: Final = ("verifying", "shadowing", "canary")


class Sample(NamedTuple):
    at_s: float  # after the start of the replay
    candidate: str
    stage: str
    step: int
    share: float
    is_following: bool
    verdict: Mapping[str, Any] | None


class Script:
    """`in_canary` is set once the first of them has traffic; `is_over` at the end of the last."""

    def __init__(self, admin: Admin, plan: str, candidates: Mapping[str, str]) -> None:
        """`candidates` by what they are, in order."""
        self.samples: list[Sample] = []
        self.in_canary = asyncio.Event()
        self.is_over = asyncio.Event()
        self._admin = admin
        self._plan = plan
        self._candidates = candidates
        self._started_s = time.monotonic()

    async def run(self) -> None:
        """Until both are over, or cancelled. Raises LoadTestError where a start is refused, and
        TimeoutError."""
        try:
            await asyncio.sleep(BEFORE_S)
            for name, bundle in self._candidates.items():
                await self._admin.start(bundle, self._plan, name)
                await self._follow(bundle)
                await asyncio.sleep(REST_S)
        finally:
            self.in_canary.set()
            self.is_over.set()

    async def _follow(self, candidate: str) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                status = await self._admin.status()
            except (LoadTestError, TimeoutError):
                continue
            if status["candidate"] == candidate:
                self._keep(status)
                if status["stage"] not in RUNNING:
                    return

    def _keep(self, status: Mapping[str, Any]) -> None:
        at_s = time.monotonic() - self._started_s
        names = ("candidate", "stage", "step", "share", "is_following", "verdict")
        self.samples.append(Sample(at_s, *(status[name] for name in names)))
        if status["share"] > 0.0:
            self.in_canary.set()
