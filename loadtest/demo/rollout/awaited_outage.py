"""An outage that waits for something to happen first."""

import asyncio
import time
from dataclasses import dataclass, field

from loadtest.outage import Outage


@dataclass(frozen=True, slots=True)
class AwaitedOutage(Outage):
    """`at_s` counts from `after`."""

    after: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, started_s: float) -> tuple[float, float]:
        await self.after.wait()
        at_s = time.monotonic() - started_s + self.at_s
        return await Outage(self.pid, at_s, self.length_s).run(started_s)
