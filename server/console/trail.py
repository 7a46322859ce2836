"""How the guardrails of a stage went, kept from its begin so that a console that opens shows it."""

from typing import Any, Final

from server.console.snapshot import Point, Trail
from server.rollout.guardrails.verdict import Verdict

APART_MS: Final = 2_000
MOST: Final = 400
"""Points of a trail; then every other one is left out, and the rest is twice as far apart."""


class TrailKeeper:
    """Of one model: its latest stage that was judged."""

    def __init__(self, model: str) -> None:
        self._model = model
        self.trail: Trail | None = None
        self._apart_ms = APART_MS

    def add(self, tally: str, at_ms: int, verdict: Verdict) -> None:
        trail = self._of(tally)
        if trail.at_ms and at_ms - trail.at_ms[-1] < self._apart_ms:
            return
        judged = {name: each for name, each in verdict.figures.items() if each.alpha > 0.0}
        for name in judged.keys() - trail.guardrails.keys():
            trail.guardrails[name] = [None] * len(trail.at_ms)
        trail.at_ms.append(at_ms)
        trail.requests.append(verdict.requests)
        for name, points in trail.guardrails.items():
            each = judged.get(name)
            points.append(None if each is None else Point(each.harm, each.low, each.high))
        if len(trail.at_ms) > MOST:
            self._thin(trail)

    def _of(self, tally: str) -> Trail:
        if self.trail is None or self.trail.tally != tally:
            self.trail = Trail(self._model, tally, [], [], {})
            self._apart_ms = APART_MS
        return self.trail

    def _thin(self, trail: Trail) -> None:
        columns: list[list[Any]] = [trail.at_ms, trail.requests, *trail.guardrails.values()]
        for column in columns:
            del column[1::2]
        self._apart_ms *= 2
