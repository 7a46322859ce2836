"""Before a lane is ready it answers the real requests that its bundle carries."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from time import process_time_ns
from typing import Final, TypeVar

import msgspec

from models.manifest import WARMUP, BundleError
from server.admission import Cost, Timing
from server.lane import Lane
from server.stages import StageClock
from server.wire import RankRequest

ROUNDS: Final = 3
SHARES: Final = (1.0, 0.5, 0.1)
DEADLINE_MS: Final = 60_000.0

T = TypeVar("T")


class WarmupFailed(BundleError):
    """The bundle carries no requests, or they are not requests for it."""


def warmup_requests(folder: Path) -> list[RankRequest]:
    """Raises WarmupFailed."""
    path = folder / WARMUP
    try:
        requests = msgspec.json.decode(path.read_bytes(), type=list[RankRequest])
    except (OSError, msgspec.DecodeError) as error:
        raise WarmupFailed(f"{path} is not a list of rank requests: {error}") from error
    if not requests:
        raise WarmupFailed(f"{path} is empty: export the bundle with held-out requests")
    return requests


async def warm_up(lane: Lane, pause_s: float = 0.0) -> Cost:
    """The lane's cost by candidates, as time of the processor. `pause_s` is left between two
    requests to whatever else the process does.

    The first round pays for what is built lazily and is not counted.
    """
    requests = [part for whole in warmup_requests(lane.folder) for part in _parts(whole)]
    timings = []
    for counted in (False, *[True] * ROUNDS):
        for request in requests:
            timing = await _answer(lane, request)
            if counted:
                timings.append(timing)
            await asyncio.sleep(pause_s)  # probes are answered meanwhile
    return Cost.fit(timings)


def _parts(request: RankRequest) -> Iterator[RankRequest]:
    """The request and shorter ones, so that a line can be fitted whatever the bundle carries."""
    for share in SHARES:
        yield msgspec.structs.replace(
            request,
            item_ids=_head(request.item_ids, share),
            candidates=_head(request.candidates, share),
            deadline_ms=DEADLINE_MS,
            timestamp_ms=None,
            model=None,
        )


def _head(column: list[T] | None, share: float) -> list[T] | None:
    return None if column is None else column[: max(1, round(len(column) * share))]


async def _answer(lane: Lane, request: RankRequest) -> Timing:
    clock, began_ns = StageClock(), process_time_ns()
    ranked = await lane.ranker.rank(request, clock)
    msgspec.json.encode(lane.answers.write(ranked))
    clock.mark("encode")
    # What others on this machine do at start, and waiting for the cache, is no cost of a request.
    took_ns = min(process_time_ns() - began_ns, clock.total_ns)
    return Timing(len(ranked.columns.item_ids), took_ns / 1e6)
