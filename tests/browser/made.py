"""A console over figures made by hand, which tests change as they like."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from server import problems
from server.console.console import Console
from server.console.hub import Hub
from server.console.snapshot import Snapshot, Trail
from server.console.trail import TrailKeeper
from server.errors import RolloutRefused, RolloutUnavailable, UnknownModel
from server.rollout_wire import Bundles, Models, RolloutAct, RolloutStatus, Transition
from tests.browser import figures
from tests.server.live import wait_until

TOKEN = "correct horse battery staple"


class Made:
    """A source of everything. `asked` is what operators asked for."""

    def __init__(self) -> None:
        self.rollouts: list[RolloutStatus] = [figures.canary()]
        self.transitions: list[Transition] = figures.transitions()
        self.asked: list[tuple[str, RolloutAct, str]] = []
        self.refuses = ""
        self.may_answer = threading.Event()  # an act; while it is clear, none is answered
        self.may_answer.set()
        self.history_fails = False
        self.histories = 0
        self.models_asked = 0
        self.is_ending = False
        self._turn = 0
        self._trail = TrailKeeper("student")

    def change(self, **given: Any) -> None:
        """Of the first rollout."""
        first, *others = self.rollouts
        given.setdefault("revision", first.revision + 1)
        self.rollouts = [msgspec.structs.replace(first, **given), *others]

    def walk(self, requests: list[int]) -> None:
        """As if it had been watched while these requests came in."""
        tally = "0190a-canary-2"
        for n, count in enumerate(requests):
            at_ms = figures.now_ms() - 5_000 * (len(requests) - n)
            self._trail.add(tally, at_ms, figures.verdict(count))

    async def snapshot(self) -> Snapshot:
        self._turn += 1
        at_ms = figures.now_ms()
        told = [msgspec.structs.replace(each, now_ms=at_ms) for each in self.rollouts]
        has_canary = any(each.stage == "canary" for each in told)
        return Snapshot(at_ms, "ready", figures.live(self._turn, has_canary), told)

    def trails(self) -> list[Trail]:
        return [] if self._trail.trail is None else [self._trail.trail]

    async def run(self) -> None:
        """Its trail is walked by hand."""

    async def status(self) -> list[RolloutStatus]:
        return self.rollouts

    async def history(self, model: str, count: int) -> list[Transition]:
        self.histories += 1
        if self.history_fails:
            raise RolloutUnavailable("the state of rollouts cannot be had")
        return self.transitions[:count]

    async def act(self, model: str, asked: RolloutAct, by: str) -> RolloutStatus:
        if model not in {each.model for each in self.rollouts}:
            raise UnknownModel("no model of that name can be rolled out here", field="model")
        if self.refuses:
            raise RolloutRefused(self.refuses)
        await asyncio.to_thread(self.may_answer.wait, 10.0)
        self.asked.append((model, asked, by))
        return self.rollouts[0]

    async def models(self) -> Models:
        self.models_asked += 1
        return figures.models()

    async def bundles(self) -> Bundles:
        return figures.bundles()


def app_of(made: Made, period_s: float = 0.1) -> FastAPI:
    console = Console(Hub(made, period_s), made, made, lambda: made.is_ending)
    app = FastAPI(lifespan=lambda _: console.running())
    app.router.routes.extend(console.routes(SecretStr(TOKEN), 1 << 20))
    problems.install(app)
    return app


@contextmanager
def served(made: Made, port: int = 0) -> Iterator[str]:
    """Its address."""
    config = uvicorn.Config(
        app_of(made), port=port, log_config=None, ws="none", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started, "the console to listen")
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        made.is_ending = server.should_exit = True
        thread.join(10.0)
        assert not thread.is_alive()
