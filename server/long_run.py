"""A run of the model that does not come back: nobody is left waiting for it."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from server.batch import Batcher
from server.line import Waiting

LOOK_S: Final = 0.25
LONG_S: Final = 1.0
"""Several times what the largest batch takes; what takes longer may never end."""
PATIENCE: Final = 5.0
"""Times what a run was expected to take, where that is more."""
log = logging.getLogger(__name__)


class LongRuns:
    """Of one batcher. Looks at the same run are counted rather than seconds: while the loop stands
    still nobody looks, and a run may be over that nobody has seen to be."""

    def __init__(self, batcher: Batcher, name: str) -> None:
        self._batcher = batcher
        self._name = name
        self._seen: object = None
        self._looks = 0

    async def run(self) -> None:
        """Until cancelled. A timer for each request would cost every one of them."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.look()

    def look(self) -> None:
        run = self._batcher.run
        self._looks = self._looks + 1 if run is not None and run is self._seen else 0
        self._seen = run
        is_hung = run is not None and self._looks * LOOK_S >= self._patience_s(run.of)
        if is_hung != self._batcher.is_hung:
            self._tell(is_hung)
        self._batcher.is_hung = is_hung
        if is_hung:
            self._batcher.refuse_waiting(late_only=True)

    def _patience_s(self, batch: Sequence[Waiting]) -> float:
        return max(LONG_S, PATIENCE * self._batcher.expected_s(batch))

    def _tell(self, is_hung: bool) -> None:
        if is_hung:
            waits_s = self._batcher.run_s
            log.error("%s has not come back for %.1f s: who asks is refused", self._name, waits_s)
        else:
            log.warning("%s has come back", self._name)
