"""The answer of GET /v1/cache/status."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Percentiles = dict[str, float]


class WindowStatus(Struct):
    """What this process served within a window."""

    seconds: Annotated[
        float, Meta(description="That it covers: fewer than its name while the process is young")
    ]
    candidates: int
    coverage: Annotated[
        dict[str, float], Meta(description="Shares of the candidates by tier; empty without any")
    ]
    teacher_age_s: (
        Annotated[Percentiles, Meta(description="Of hinted candidates, by percentile")] | None
    )


class ObjectiveStatus(Struct):
    objective: Annotated[str, Meta(description="`coverage`, `pair_coverage` or `teacher_age`")]
    target: Annotated[float, Meta(description="Share of the candidates, or of the hints")]
    limit_s: Annotated[float, Meta(description="Age that a hint is to stay within")] | None
    is_met: Annotated[bool, Meta(description="Over the longest window")] | None
    burn: Annotated[
        dict[str, float | None],
        Meta(description="By window: the share that falls short ÷ the share that may"),
    ]
    alert: Annotated[str, Meta(description="`fast` or `slow`, when its burn rates call")] | None


class StudentStatus(Struct):
    lane: str
    model: str
    version: str
    space: Annotated[str, Meta(description="Of the teacher whose hints it reads")] | None
    windows: dict[str, WindowStatus]
    objectives: Annotated[list[ObjectiveStatus], Meta(description="Those that are set")]


class RefreshStatus(Struct):
    """The refreshers of the stable student's space."""

    workers: int
    shards: int
    backlog: Annotated[int, Meta(description="Messages of demand that wait or are in work")]
    unsettled_pairs: Annotated[int, Meta(description="Demanded, and without an outcome yet")]
    pairs: Annotated[dict[str, int], Meta(description="The account, since it began")]


class WorthSlice(Struct):
    """The transfer ratio with its 95 % interval; null where the data do not tell it."""

    candidates: int
    ratio: float | None
    low: float | None
    high: float | None


class WorthStatus(Struct):
    """What `understudy worth` last wrote of the space."""

    at_ms: int
    since_ms: int
    model: str
    version: Annotated[str, Meta(description="Of the student that was judged")]
    teacher: Annotated[str, Meta(description="Version of the teacher's bundle")]
    task: str
    slices: Annotated[dict[str, WorthSlice], Meta(description="`all`, by tier, by age")]


class CacheStatus(Struct):
    """The cache as one gateway process sees it."""

    redis: Literal["available", "unavailable", "not_configured"]
    breaker: Literal["open", "closed"]
    failed_reads: Annotated[dict[str, int], Meta(description="Of the cache, by reason")]
    students: list[StudentStatus]
    feeds: Annotated[
        dict[str, dict[str, int]],
        Meta(description="`demand` and `served`: messages by what became of them"),
    ]
    refresh: RefreshStatus | None
    worth: WorthStatus | None
