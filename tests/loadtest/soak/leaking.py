"""`understudy` with a gateway that leaks on purpose: what a soak must be able to see.

LEAK_BYTES=2048 LEAK_DELAY_US=1.0 python -m tests.loadtest.soak.leaking up --from build/demo

Every request to rank leaves LEAK_BYTES behind, and waits LEAK_DELAY_US for each that came before
it. One worker: several are processes that this module does not start.
"""

import asyncio
import os
from typing import Any, Final

from starlette.types import Receive, Scope, Send

import understudy
from server import app, up
from server.gateway import Gateway
from server.processes import Child
from server.routes.rank import RankRoute

OWN: Final = "tests.loadtest.soak.leaking"
BYTES: Final = "LEAK_BYTES"
DELAY_US: Final = "LEAK_DELAY_US"


class LeakingRoute(RankRoute):
    def __init__(self, gateway: Gateway) -> None:
        super().__init__(gateway)
        self._kept: list[bytearray] = []
        self._bytes = int(os.environ[BYTES])
        self._delay_s = float(os.environ[DELAY_US]) / 1e6

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(len(self._kept) * self._delay_s)
        self._kept.append(bytearray(b"\x01") * self._bytes)  # written, or it is not resident
        await super().__call__(scope, receive, send)


def leaking_children(*parts: Any, **more: Any) -> list[Child]:
    """Of `up`: all but the gateway as they are."""
    return [
        child._replace(argv=in_place(child.argv)) if child.name == "gateway" else child
        for child in _CHILDREN(*parts, **more)
    ]


def in_place(argv: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(OWN if word == "understudy" else word for word in argv)


_CHILDREN: Final = up.children


def main() -> None:
    app.RankRoute = LeakingRoute  # type: ignore[attr-defined]
    up.children = leaking_children
    understudy.main()


if __name__ == "__main__":
    main()
