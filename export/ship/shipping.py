"""One ship from its log to the end of its rollout."""

import json
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from export.ship import guard
from export.ship.commands import Commands
from export.ship.errors import NothingNew, Refused, StepFailed
from export.ship.order import Order
from export.ship.rollouts import Rollouts
from export.ship.ships import Facts, Result, Ship, Ships
from export.ship.steps import ROLES, Making, Measure, Say, named_in

POLL_S: Final = 5.0
HOUR_MS: Final = 3_600_000


class Shipping:
    def __init__(
        self,
        order: Order,
        ships: Ships,
        commands: Commands,
        rollouts: Rollouts,
        say: Say,
        *,
        measure: Measure = guard.measure,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._order = order
        self._ships = ships
        self._commands = commands
        self._rollouts = rollouts
        self._say = say
        self._measure = measure
        self._sleep = sleep

    def ship(self, now_ms: int, give_up_h: float) -> Result:
        """How it ended. Raises ShipError; run again, it goes on."""
        ship = self._ships.unfinished()
        if ship is not None and now_ms - ship.begun.at_ms >= give_up_h * HOUR_MS:
            self._settle(ship, give_up_h)
            ship = None
        if ship is not None:
            self._check_same(ship)
            self._say(f"ship {ship.number} goes on")
        return self._carried(ship or self._begun(now_ms))

    def _settle(self, ship: Ship, give_up_h: float) -> None:
        """A ship of another night; one whose rollout has begun is followed to its end."""
        asked = ship.found("ask")
        if asked is not None and self._rollouts.asked_by(asked["word"]) is not None:
            self._say(f"ship {ship.number}: {self._carried(ship)}")
            return
        ship.end("abandoned", f"it was begun {give_up_h:g} h ago or more")
        self._say(f"ship {ship.number} is given up: begun {give_up_h:g} h ago or more")

    def _check_same(self, ship: Ship) -> None:
        begun = ship.begun.making
        if ship.found("ask") is None and begun != self._order.making:
            raise Refused(
                f"{ship.folder} was begun with {begun.model_dump_json()}: give these options, "
                "or --anew"
            )

    def _carried(self, ship: Ship) -> Result:
        making = Making(ship, self._order, self._commands, self._say)
        if ship.found("train") is None:
            self._stable()  # whatever is wrong with it is best known before the training
        try:
            making.make(self._since_ms())
        except NothingNew:
            self._ships.forget(ship)
            raise
        self._guard(ship, making)
        to = making.step("push", lambda: self._pushed(making))["to"]
        word = making.step("ask", lambda: {"word": _word(ship)})["word"]
        begun = making.step("rollout", lambda: self._rolled_out(to, word))
        result = self._watched(begun["rollout"]) if self._order.watches else "started"
        ship.end(result)
        return result

    def _guard(self, ship: Ship, making: Making) -> None:
        """Raises Refused, and the ship is over."""
        measured = making.step("measure", lambda: self._measured(making))
        if ship.found("ask") is not None:
            return
        try:
            guard.check(measured, self._order.most_worse)
        except Refused as error:
            ship.end("refused", str(error))
            raise

    def _begun(self, now_ms: int) -> Ship:
        ship = self._ships.begin(self._order.making, now_ms)
        self._say(f"ship {ship.number} begins")
        return ship

    def _since_ms(self) -> int:
        last = self._ships.last_trained()
        found = None if last is None else last.found("import")
        return 0 if found is None else int(found["until_ms"])

    def _measured(self, making: Making) -> Facts:
        compared = guard.Compared(making.log, making.run, self._served(), making.bundle("student"))
        return dict(self._measure(compared))

    def _served(self) -> Path:
        """The bundle of the student that answers now."""
        stable = self._stable()
        if not isinstance(stable, Path):
            told = self._commands.told("bundle", "pull", stable, "--json")
            return Path(json.loads(told)["folder"])
        return stable / named_in(stable)["student"]

    def _stable(self) -> Path | str:
        """A serving folder, or NAME-VERSION. Raises Refused."""
        stable = self._rollouts.stable()
        if stable and not Path(stable).is_absolute():
            return stable
        folder = Path(stable) if stable else self._order.served
        if folder is None:
            raise Refused(
                "gateways answer from what they were started with: give that serving folder as "
                "--served, so that the new student can be measured against it"
            )
        try:
            named_in(folder)["student"]
        except (OSError, ValueError, KeyError) as error:
            raise Refused(f"{folder} is no serving folder: {error}: give it as --served") from error
        return folder

    def _rolled_out(self, to: str, word: str) -> Facts:
        return {"rollout": self._rollouts.start(to, self._order.plan, word)}

    def _pushed(self, making: Making) -> Facts:
        """What the rollout is to lead to: NAME-VERSION, or the serving folder."""
        if not self._order.is_registered:
            return {"to": str(making.serving.resolve())}
        references = {}
        for role in ROLES:
            told = self._commands.told("bundle", "push", str(making.bundle(role)), "--json")
            references[role] = str(json.loads(told)["bundle"])
        return {"to": references["student"], **references}

    def _watched(self, rollout: str) -> Result:
        """Redis may come and go meanwhile."""
        told = ""
        while True:
            try:
                stage = self._rollouts.stage(rollout)
            except StepFailed as error:
                self._say(str(error))
            else:
                if stage.name != told:
                    self._say(f"rollout {rollout}: {stage.name}, {stage.reason}")
                told = stage.name
                if stage.is_over:
                    return "done" if stage.name == "done" else "rolled_back"
            self._sleep(POLL_S)


def _word(ship: Ship) -> str:
    return f"ship {ship.number} {secrets.token_hex(8)}"
