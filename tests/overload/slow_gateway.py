"""A gateway process whose model takes a known time, whatever the machine."""

import sys
import time
from pathlib import Path
from typing import Any, Final

from server import open_lane
from server.admission import Cost
from server.running import run
from server.scoring import Scorer
from server.settings import Settings

CANDIDATE_MS: Final = 0.5
CANDIDATES: Final = 30
CAPACITY: Final = 1000.0 / (CANDIDATE_MS * CANDIDATES)
"""Requests a second that the model alone would take."""
DEADLINE_MS: Final = 300.0


def slow_down() -> None:
    real = Scorer.score

    def score(self: Scorer, assembly: Any, first: int, last: int, *rest: Any) -> Any:
        candidates = assembly.parts[last - 1].stop - assembly.parts[first].start
        time.sleep(candidates * CANDIDATE_MS / 1000.0)
        return real(self, assembly, first, last, *rest)

    async def cost(lane: object, pause_s: float) -> Cost:
        return Cost(0.0, CANDIDATE_MS)

    setattr(Scorer, "score", score)  # noqa: B010
    setattr(open_lane, "warm_up", cost)  # noqa: B010


if __name__ == "__main__":
    slow_down()
    bundle, port = Path(sys.argv[1]), int(sys.argv[2])
    run(Settings(bundle=bundle, port=port, replay=True, deadline_ms=DEADLINE_MS, drain_s=0.0))
