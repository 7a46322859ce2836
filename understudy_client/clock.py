"""Time and chance, which a test replaces."""

import asyncio
import random
import time


class Clock:
    def now_s(self) -> float:
        """Monotonic."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def chance(self) -> float:
        """Uniform in [0, 1)."""
        return random.random()
