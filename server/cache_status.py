"""What the gateway says of its cache: coverage, ages, objectives, feeds and refreshers."""

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from redis.asyncio import Redis

from cache.breaker import CircuitBreaker
from cache.connection import unavailable_when_failing
from cache.errors import MessageCorrupt
from cache.refresh.space_state import SpaceState, space_state
from cache.worth_summary import WorthSummary, read_summary
from server.cache_links import CacheLinks
from server.freshness import Freshness, coverage
from server.lane import Lane
from server.objectives import Objective, burns, firing
from server.redis_status import RedisStatus
from server.status_wire import (
    CacheStatus,
    ObjectiveStatus,
    RefreshStatus,
    StudentStatus,
    WindowStatus,
    WorthSlice,
    WorthStatus,
)
from server.windows import WINDOWS_S, Window

LONGEST: Final = max(WINDOWS_S, key=WINDOWS_S.__getitem__)


class Told(NamedTuple):
    """By Redis, of the space that the student reads; None of what is not there."""

    space: SpaceState | None
    worth: WorthSummary | None


class StatusReporter:
    def __init__(self, lane: Lane, links: CacheLinks) -> None:
        self._lane = lane
        self._breaker: CircuitBreaker = links.breaker
        self._redis: RedisStatus[Told] | None = None
        client, space = links.client, lane.model.manifest.reads_space
        if client is not None:
            timeout_s = links.settings.cache_timeout_ms / 1000.0
            self._redis = RedisStatus(lambda: _told(client, space), timeout_s)

    async def report(self, lanes: Iterable[Lane]) -> CacheStatus:
        """`lanes` are all that answer, of whichever model."""
        told = None if self._redis is None else await self._redis.now()
        feedback = self._lane.feedback
        served = None if feedback.served is None else feedback.served.feed
        feeds = {"demand": feedback.demand, "served": served}
        return CacheStatus(
            redis=self._availability(told),
            breaker="open" if self._breaker.is_open else "closed",
            failed_reads={str(reason): n for reason, n in self._lane.ranker.cache.failures.items()},
            students=[_student(lane) for lane in lanes],
            feeds={name: dict(feed.counts) for name, feed in feeds.items() if feed is not None},
            refresh=None if told is None or told.space is None else _refresh(told.space),
            worth=None if told is None or told.worth is None else _worth(told.worth),
        )

    def _availability(
        self, told: Told | None
    ) -> Literal["available", "unavailable", "not_configured"]:
        if self._redis is None:
            return "not_configured"
        return "unavailable" if told is None else "available"


async def _told(client: Redis, space: str | None) -> Told:
    """Raises StoreUnavailable."""
    if space is None:
        with unavailable_when_failing("ask whether it is there"):
            await client.ping()
        return Told(None, None)
    return Told(await space_state(client, space), await _summary(client, space))


async def _summary(client: Redis, space: str) -> WorthSummary | None:
    """One of another version is none."""
    try:
        return await read_summary(client, space)
    except MessageCorrupt:
        return None


def _student(lane: Lane) -> StudentStatus:
    manifest, freshness = lane.model.manifest, lane.freshness
    windows = freshness.windows()
    return StudentStatus(
        lane=lane.name,
        model=manifest.name,
        version=lane.model.version,
        space=manifest.reads_space,
        windows={name: _window(freshness, window) for name, window in windows.items()},
        objectives=[_objective(objective, windows) for objective in freshness.objectives],
    )


def _window(freshness: Freshness, window: Window) -> WindowStatus:
    covered = coverage(window)
    seconds = round(window.seconds, 3)
    return WindowStatus(seconds, covered.candidates, dict(covered.shares), freshness.ages_s(window))


def _objective(objective: Objective, windows: dict[str, Window]) -> ObjectiveStatus:
    burn = burns(objective, windows)
    spent = burn[LONGEST]
    return ObjectiveStatus(
        objective=objective.name,
        target=objective.target,
        limit_s=objective.limit_s,
        is_met=None if spent is None else spent <= 1.0,
        burn=burn,
        alert=firing(objective, burn),
    )


def _refresh(state: SpaceState) -> RefreshStatus:
    account = state.account
    return RefreshStatus(
        workers=state.workers,
        shards=state.shards,
        backlog=state.backlog,
        unsettled_pairs=account.unsettled,
        pairs=account.counts(),
    )


def _worth(summary: WorthSummary) -> WorthStatus:
    slices = {
        name: WorthSlice(each.candidates, each.ratio, each.low, each.high)
        for name, each in summary.slices.items()
    }
    return WorthStatus(
        at_ms=summary.at_ms,
        since_ms=summary.since_ms,
        model=summary.model,
        version=summary.version,
        teacher=summary.teacher,
        task=summary.task,
        slices=slices,
    )
