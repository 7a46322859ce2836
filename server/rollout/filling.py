"""Whether the space of the candidate is filled: what all mirrors saw in a window of time."""

from collections.abc import Mapping

from cache.standing import Standing
from server.rollout.plan import RolloutPlan
from server.rollout.presence import Presence


def is_filled(plan: RolloutPlan, window: Standing) -> bool:
    """By a switch now no more than the gap would be lost."""
    is_close = window.gap <= plan.max_gap and window.coverage >= plan.mark
    return window.seen >= plan.least_candidates and is_close


class SpaceWindow:
    """The latest whole window of one tally. Gateways count from the start of the tally, or of their
    own life: what they told when the window began is taken off."""

    def __init__(self) -> None:
        self._tally = ""
        self._begun_ms = 0
        self._before: dict[str, Standing] = {}
        self._last = Standing()

    def told(
        self, tally: str, now_ms: int, fleet: Mapping[str, Presence], window_s: float
    ) -> Standing:
        """Nothing seen until a window is over."""
        standings = {name: each.standing for name, each in fleet.items()}
        if tally != self._tally:
            self._tally, self._last = tally, Standing()
            self._begin(now_ms, standings)
        elif now_ms - self._begun_ms >= window_s * 1000.0:
            self._last = self._since(standings)
            self._begin(now_ms, standings)
        return self._last

    def _begin(self, now_ms: int, standings: dict[str, Standing]) -> None:
        self._begun_ms, self._before = now_ms, standings

    def _since(self, standings: Mapping[str, Standing]) -> Standing:
        total = Standing()
        for name, standing in standings.items():
            total = total.plus(standing.less(self._before.get(name, Standing())))
        return total
