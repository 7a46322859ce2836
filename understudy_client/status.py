"""The answer of GET /v1/cache/status: docs/api.md and docs/freshness.md say what is what."""

from msgspec import Struct


class WindowStatus(Struct, frozen=True):
    seconds: float
    candidates: int
    coverage: dict[str, float]
    teacher_age_s: dict[str, float] | None


class ObjectiveStatus(Struct, frozen=True):
    objective: str
    target: float
    limit_s: float | None
    is_met: bool | None
    burn: dict[str, float | None]
    alert: str | None


class StudentStatus(Struct, frozen=True):
    lane: str
    model: str
    version: str
    space: str | None
    windows: dict[str, WindowStatus]
    objectives: tuple[ObjectiveStatus, ...]


class RefreshStatus(Struct, frozen=True):
    workers: int
    shards: int
    backlog: int
    unsettled_pairs: int
    pairs: dict[str, int]


class WorthSlice(Struct, frozen=True):
    candidates: int
    ratio: float | None
    low: float | None
    high: float | None


class WorthStatus(Struct, frozen=True):
    at_ms: int
    since_ms: int
    model: str
    version: str
    teacher: str
    task: str
    slices: dict[str, WorthSlice]


class CacheStatus(Struct, frozen=True):
    redis: str
    breaker: str
    failed_reads: dict[str, int]
    students: tuple[StudentStatus, ...]
    feeds: dict[str, dict[str, int]]
    refresh: RefreshStatus | None
    worth: WorthStatus | None
