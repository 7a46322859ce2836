"""Run as a script: what the slow requests cost the others, and themselves.

`python -m tests.server.slow.measure_slow`: requests of 200 candidates.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

import msgspec
from pydantic import SecretStr

from server.settings import Settings
from server.slow.slow_log import SlowLog
from server.stages import StageClock
from tests.bundles import serving_folder
from tests.server.conftest import Served
from tests.server.kept import Answered, Keeping, body_of, loaded_lane
from tests.server.thread_time import say


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        told = asyncio.run(_answered(Path(folder)))
    clock = StageClock()
    clock.mark("encode")
    log, off = SlowLog(Settings(admin_token=SecretStr("secret"))), None
    ranked, answer = told
    for _ in range(log.ring.kept):
        log.answered(clock, ranked, answer, None)
    say("nothing kept, a request", lambda: tell(off, clock, told))
    say("a request that is not among the slowest", lambda: tell(log, clock, told))
    say("one that is", lambda: log.answered(clock, ranked, answer, None))
    full = 10 * log.ring.kept * len(msgspec.json.encode(log.slowest()[0]))
    sys.stdout.write(f"ten full windows as JSON: {full:,} bytes\n")


def tell(slow: SlowLog | None, clock: StageClock, told: Answered) -> None:
    """As a route does."""
    if slow is not None and clock.total_ns > slow.ring.above_ns:
        slow.answered(clock, told.ranked, told.answer, None)


async def _answered(folder: Path) -> Answered:
    serving = serving_folder(folder)
    named = {path.name.partition("-")[0]: path for path in serving.iterdir() if path.is_dir()}
    served = Served(serving, named["student"], named["teacher"], named["alone"])
    lane = await loaded_lane(served)
    [answered] = await Keeping(lane).answer(body_of(0, 200))
    return answered


if __name__ == "__main__":
    main()
