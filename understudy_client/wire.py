"""What is sent and what comes back. Fields that an answer has and these types do not are ignored,
so an older client works with a newer gateway. docs/api.md says what each field means."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypedDict

from msgspec import Struct

Value = str | int | float | None


class Candidate(Struct, frozen=True, omit_defaults=True):
    item_id: str
    bid: float | None = None
    features: Mapping[str, Value] | None = None
    group: str | None = None


class Diversity(Struct, frozen=True, omit_defaults=True):
    strength: float
    window: int | None = None


class RankOptions(TypedDict, total=False):
    """Fields of POST /v1/rank besides `user_id` and the bare item ids. None is as good as absent.

    A name that is not here is sent as it is: a newer gateway may know it, others refuse it.
    """

    candidates: Sequence[Candidate | Mapping[str, Any]] | None
    context: Mapping[str, Value] | None
    top_k: int | None
    diversity: float | Diversity | None
    max_per: Mapping[str, int] | None
    pinned: Mapping[str, int] | None
    excluded: Iterable[str] | None
    deadline_ms: float | None
    model: str | None
    request_id: str | None
    task: str | None
    all_tasks: bool | None
    priority: Literal["normal", "low"] | None
    timestamp_ms: int | None


class Coverage(Struct, frozen=True):
    """Shares of the candidates by tier."""

    pair: float = 0.0
    neighbour: float = 0.0
    user: float = 0.0
    item: float = 0.0
    none: float = 0.0


class Degraded(Struct, frozen=True):
    stage: str
    reason: str


class Ranking(Struct, frozen=True, kw_only=True):
    """The slate in columns, best first."""

    request_id: str
    model: str
    version: str
    lane: str
    item_ids: tuple[str, ...]
    scores: tuple[float, ...]
    coverage: Coverage
    teacher_age_s: float | None
    degraded: tuple[Degraded, ...]
    values: tuple[float, ...] | None = None
    unavailable: tuple[str, ...] = ()
    task_scores: dict[str, tuple[float, ...]] | None = None
    stages_ms: dict[str, float] = {}
    """From the header Server-Timing; `total` is their sum."""
    trace_id: str | None = None
    """From the header traceresponse, where the gateway traced the request."""


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True):
    event_id: str
    type: str
    user_id: str
    item_id: str
    timestamp_ms: int | None = None
    request_id: str | None = None
    """Of the answer that it comes from."""


class EventsAccepted(Struct, frozen=True):
    accepted: int


class Item(Struct, frozen=True, kw_only=True, omit_defaults=True):
    item_id: str
    status: Literal["active", "paused", "removed"]
    features: Mapping[str, Value] | None = None
    timestamp_ms: int | None = None


class ItemsAccepted(Struct, frozen=True):
    accepted: int
    changed: int
    unknown_features: tuple[str, ...]


class Ready(Struct, frozen=True):
    """Which model answers."""

    status: str
    model: str
    version: str
    lane: str
    provider: str = ""
