"""Running the model: on the event loop when it is short, in a thread when it is not."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter_ns

from models.features.build import Arrays
from models.runtime import Model, Outputs
from server.stages import StageClock


class Inference:
    """A thread costs more than it gives for a small batch, and a large batch on the loop makes
    every other request wait: the setting `inline_candidates` is where they meet."""

    def __init__(self, model: Model, inline_candidates: int) -> None:
        self.model = model
        self._inline = inline_candidates
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="inference")

    async def run(self, arrays: Arrays, candidates: int, clock: StageClock) -> Outputs:
        if candidates <= self._inline:
            return self.model.run(arrays)
        asked_ns = perf_counter_ns()
        loop = asyncio.get_running_loop()
        outputs, began_ns = await loop.run_in_executor(self._thread, self._timed, arrays)
        clock.move("inference", "queue", began_ns - asked_ns)
        return outputs

    def _timed(self, arrays: Arrays) -> tuple[Outputs, int]:
        began_ns = perf_counter_ns()
        return self.model.run(arrays), began_ns

    def close(self) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)
