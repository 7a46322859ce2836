"""One ship from its log to the end of its rollout."""

import json
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from export.ship import guard
from export.ship.commands import Commands
from export.ship.errors import Forgotten, NothingNew, Refused, StepFailed
from export.ship.order import Order
from export.ship.rollouts import Rollouts, Standing
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
        if self._is_heard(ship):
            try:
                self._say(f"ship {ship.number}: {self._carried(ship)}")
            except Forgotten as error:  # which is nothing against the next
                self._say(f"ship {ship.number}: {error}")
            return
        ship.end("abandoned", f"it was begun {give_up_h:g} h ago or more")
        self._say(f"ship {ship.number} is given up: begun {give_up_h:g} h ago or more")

    def _is_heard(self, ship: Ship) -> bool:
        """Whether its rollout has begun, also where nobody saw the answer."""
        if ship.found("rollout") is not None:
            return True
        asked = ship.found("ask")
        return asked is not None and self._rollouts.asked_by(asked["word"]) is not None

    def _check_same(self, ship: Ship) -> None:
        begun = ship.begun.making
        if ship.found("ask") is None and begun != self._order.making:
            raise Refused(
                f"{ship.folder} was begun with {begun.model_dump_json()}: give these options, "
                "or --anew"
            )

    def _carried(self, ship: Ship) -> Result:
        making = Making(ship, self._order, self._commands, self._say)
        if ship.found("ask") is None:
            self._make(ship, making)
        if not self._is_heard(ship):
            self._guard(ship, making)
        to = making.step("push", lambda: self._pushed(making))["to"]
        word = making.step("ask", lambda: {"word": _word(ship)})["word"]
        begun = making.step("rollout", lambda: self._rolled_out(to, word))
        result = self._followed(ship, begun["rollout"]) if self._order.watches else "started"
        ship.end(result)
        return result

    def _make(self, ship: Ship, making: Making) -> None:
        """Raises Refused, NothingNew, StepFailed."""
        is_trained = ship.found("train") is not None
        if not is_trained:
            standing = self._rollouts.standing()
            self._bundle_of(standing)  # what is wrong is best known at once
            self._make_room(standing)
        try:
            making.gather(self._since_ms())
        except NothingNew:
            self._ships.forget(ship)
            raise
        if not is_trained:
            self._check_free()
        making.make()

    def _make_room(self, standing: Standing) -> None:
        """Who is served or taught from an old ship keeps it."""
        named = (standing.stable, self._order.served, self._order.making.teacher)
        needed = [Path(each) for each in named if each]
        for old in self._ships.thin(self._order.kept, needed):
            self._say(f"ship {old.number}: its log and models are removed")

    def _check_free(self) -> None:
        """Raises Refused."""
        standing = self._rollouts.standing()
        if standing.is_running:
            raise Refused(
                f"the rollout {standing.rollout} is {standing.stage.name}: wait until it is over, "
                "or abort it. Nothing is trained before"
            )

    def _guard(self, ship: Ship, making: Making) -> None:
        """Raises Refused, and the ship is over."""
        measured = self._measured(ship, making)
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

    def _measured(self, ship: Ship, making: Making) -> guard.Measured:
        """Anew where another was served when it was done before."""
        served = self._bundle_of(self._rollouts.standing())
        name = served if isinstance(served, str) else served.name
        before = ship.found("measure")
        if before is not None and before["served"] != name:
            self._say(f"measure: {before['served']} was served, and now {name} is")
            ship.drop("measure")

        def work() -> Facts:
            folder = self._pulled(served) if isinstance(served, str) else served
            compared = guard.Compared(making.log, making.run, folder, making.bundle("student"))
            return {"served": name, "figures": self._measure(compared)}

        figures: guard.Measured = making.step("measure", work)["figures"]
        return figures

    def _pulled(self, reference: str) -> Path:
        told = self._commands.told("bundle", "pull", reference, "--json")
        return Path(json.loads(told)["folder"])

    def _bundle_of(self, standing: Standing) -> Path | str:
        """Of the student that answers now: its folder, or NAME-VERSION. Raises Refused."""
        stable = standing.stable
        if stable and not Path(stable).is_absolute():
            return stable
        folder = Path(stable) if stable else self._order.served
        if folder is None:
            raise Refused(
                "gateways answer from what they were started with: give that serving folder as "
                "--served, so that the new student can be measured against it"
            )
        try:
            return folder / named_in(folder)["student"]
        except (OSError, ValueError, KeyError) as error:
            raise Refused(f"{folder} is no serving folder: {error}: give it as --served") from error

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

    def _followed(self, ship: Ship, rollout: str) -> Result:
        """Raises Forgotten, and the ship is over."""
        try:
            return self._watched(rollout)
        except Forgotten as error:
            ship.end("forgotten", str(error))
            raise

    def _watched(self, rollout: str) -> Result:
        """Redis may come and go meanwhile. Raises Forgotten."""
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
