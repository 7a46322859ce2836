"""`understudy ship`, night after night, on a world of fake commands."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from export.ship import guard
from export.ship.order import Making, Order
from export.ship.rollouts import Rollouts
from export.ship.shipping import Shipping
from export.ship.ships import Result, Ship, Ships
from tests.export.ship.fake_commands import FakeCommands, World, write_serving

STEPS = ["train", "evaluate", "export", "bundle verify", "bundle verify"]
COMMANDS = [
    "rollout status", "import", "rollout status", *STEPS, "rollout status", "rollout history",
    "rollout start",
]  # fmt: skip
NOW_MS = 1_760_000_000_000


class Nights:
    """`understudy ship` run again and again on one world."""

    def __init__(self, folder: Path) -> None:
        self.world = World()
        self.out = folder / "out"
        self.now_ms = NOW_MS
        self.log_loss = {"served": 0.20, "new": 0.20}
        self.said: list[str] = []
        self.next_stages = ["shadowing", "canary", "done"] * 2
        self.measured: list[guard.Compared] = []
        self.meanwhile: Callable[[], None] = self._go_on
        self.order = Order(Making(data="served:x"), write_serving(folder / "first"), 10, 0.01)

    def run(self, **changed: Any) -> Result:
        commands = FakeCommands(self.world)
        return Shipping(
            self.order._replace(**changed),
            Ships(self.out),
            commands,
            Rollouts(commands, "redis://there", "student"),
            self.said.append,
            measure=self._measure,
            sleep=self._slept,
        ).ship(self.now_ms, 20.0)

    def ship(self, number: int = 1) -> Ship:
        return Ship(self.out / "ships" / f"{number:04}")

    def result(self, number: int = 1) -> str | None:
        ended = self.ship(number).ended
        return None if ended is None else ended.result

    def _measure(self, compared: guard.Compared) -> guard.Measured:
        self.world.instant()
        self.measured.append(compared)
        sides = {side: {"log_loss": loss} for side, loss in self.log_loss.items()}
        return {guard.WITHOUT: {"click": sides}}

    def _slept(self, seconds: float) -> None:
        self.world.instant()
        self.meanwhile()

    def _go_on(self) -> None:
        """The rollout does."""
        state = self.world.state
        if state["stage"] not in ("done", "rolled_back"):
            self.world.move(state["rollout"], self.next_stages.pop(0))
