"""The rollout of a ship: asked for once, whatever is killed in between.

Each ship's request carries a word of its own as the reason, which the history of rollouts keeps: it
tells whether a request that nobody saw the end of was heard.
"""

import json
from typing import Any, Final, NamedTuple

from export.ship.commands import Commands
from export.ship.errors import Forgotten, StepFailed

HISTORY: Final = 1000  # as long as it is kept
OVER: Final = ("done", "rolled_back")
RUNNING: Final = ("verifying", "shadowing", "canary")


class Stage(NamedTuple):
    name: str
    reason: str

    @property
    def is_over(self) -> bool:
        return self.name in OVER


class Standing(NamedTuple):
    """Of the model's latest rollout, and who is served meanwhile."""

    stable: str  # a serving folder, NAME-VERSION, or "" for what gateways were started with
    rollout: str
    stage: Stage

    @property
    def is_running(self) -> bool:
        return self.stage.name in RUNNING


class Rollouts:
    def __init__(self, commands: Commands, redis_url: str, model: str) -> None:
        self._commands = commands
        self._where = ("--redis-url", redis_url, "--model", model, "--json")

    def standing(self) -> Standing:
        state: dict[str, Any] = json.loads(self._told("status"))["state"]
        stage = Stage(str(state["stage"]), str(state["reason"]))
        return Standing(str(state["stable"]), str(state["rollout"]), stage)

    def start(self, to: str, plan: str, word: str) -> str:
        """Its id; that of the one that was asked for by this word before, if it was heard."""
        known = self.asked_by(word)
        if known is not None:
            return known
        try:
            told = self._told("start", "--to", to, "--plan", plan, "--reason", word)
        except StepFailed:
            heard = self.asked_by(word)  # it may have been, and its answer lost
            if heard is None:
                raise
            return heard
        return str(json.loads(told)["state"]["rollout"])

    def asked_by(self, word: str) -> str | None:
        asked = (entry for entry in self._history() if entry["reason"] == word)
        return next((str(entry["rollout"]) for entry in asked), None)

    def stage(self, rollout: str) -> Stage:
        """Also of one that others have followed. Raises StepFailed, Forgotten."""
        standing = self.standing()
        if standing.rollout == rollout:
            return standing.stage
        changes = (entry for entry in self._history() if entry["rollout"] == rollout)
        last = next(changes, None)
        if last is None:
            raise Forgotten(
                f"the history knows no rollout {rollout}: Redis lost it, or very many followed; "
                "`understudy rollout status` tells who is served now"
            )
        return Stage(str(last["to_stage"]), str(last["reason"]))

    def _history(self) -> list[dict[str, Any]]:
        """The newest change first."""
        lines = self._told("history", "--count", str(HISTORY)).splitlines()
        return [json.loads(line) for line in lines if line]

    def _told(self, *words: str) -> str:
        return self._commands.told("rollout", *words, *self._where)
