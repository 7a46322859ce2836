"""A process stopped in the middle of a load, as a hung host would be."""

import asyncio
import os
import signal
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outage:
    """SIGSTOP, not SIGKILL: connections stay open and never answer, the worst case for a reader."""

    pid: int
    at_s: float
    length_s: float

    async def run(self, started_s: float) -> tuple[float, float]:
        """When it began and ended, in seconds after `started_s` (time.monotonic)."""
        await asyncio.sleep(max(0.0, started_s + self.at_s - time.monotonic()))
        os.kill(self.pid, signal.SIGSTOP)
        began = time.monotonic() - started_s
        try:
            await asyncio.sleep(self.length_s)
        finally:
            os.kill(self.pid, signal.SIGCONT)
        return began, time.monotonic() - started_s
