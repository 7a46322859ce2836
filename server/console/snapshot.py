"""What the console shows, as it is sent each second."""

from typing import Protocol

from msgspec import Struct

from server.rollout_wire import RolloutStatus


class Times(Struct, frozen=True):
    """Of one stage, within the window."""

    p50_ms: float
    p95_ms: float
    p99_ms: float


class LaneLive(Struct, frozen=True):
    lane: str
    version: str
    requests_per_s: float
    stages: dict[str, Times]
    coverage: dict[str, float]  # shares of candidates by tier
    teacher_age_s: dict[str, float] | None  # by percentile


class Latest(Struct, frozen=True):
    """Of the last few seconds: what a line over time is drawn of."""

    requests_per_s: float
    p99_ms: float | None


class Live(Struct, frozen=True):
    """Of all workers of this gateway. Rates are a second."""

    seconds: float  # that are looked back upon: fewer than a minute at first
    workers: int
    silent_workers: int
    requests_per_s: float
    candidates_per_s: float
    statuses: dict[str, float]
    shed: dict[str, float]
    degraded: dict[str, float]  # by stage:reason
    lanes: list[LaneLive]
    latest: Latest


class Snapshot(Struct, frozen=True):
    at_ms: int
    status: str  # ready, or what the gateway waits for
    live: Live
    rollouts: list[RolloutStatus]


class Point(Struct, frozen=True, array_like=True):
    """One guardrail at one time."""

    harm: float | None
    low: float | None
    high: float | None


class Trail(Struct, frozen=True):
    """How the guardrails of one stage went so far; columns are as long as `at_ms`."""

    model: str
    tally: str
    at_ms: list[int]
    requests: list[int]
    guardrails: dict[str, list[Point | None]]


class SnapshotSource(Protocol):
    async def snapshot(self) -> Snapshot: ...

    def trails(self) -> list[Trail]: ...
