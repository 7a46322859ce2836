"""Requests that a lane has in hand, from the choice of the lane to what is told of the answer."""

import asyncio


class InHand:
    """Entered once a request. A lane is closed when nobody is left and nobody can come."""

    __slots__ = ("_left", "requests")

    def __init__(self) -> None:
        self.requests = 0
        self._left: asyncio.Event | None = None

    def __enter__(self) -> None:
        self.requests += 1

    def __exit__(self, *ending: object) -> None:
        self.requests -= 1
        if self._left is not None and not self.requests:
            self._left.set()

    async def left(self) -> None:
        """Once the last request is out of hand: for a lane that is chosen no more."""
        if self.requests:
            self._left = asyncio.Event()
            await self._left.wait()
