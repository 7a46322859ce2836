"""The answer of GET /v1/slow."""

from typing import Annotated

from msgspec import Meta, Struct

from server.wire import Coverage, Degraded


class SlowInputs(Struct):
    """What was asked, as far as it is kept."""

    user: Annotated[str, Meta(description="Its id, or the beginning of the id's SHA-256")]
    context: dict[str, str]
    item_ids: Annotated[list[str], Meta(description="The first of them")]


class SlowRequest(Struct):
    """One request and where its time went. Null is what nobody came to know."""

    at_ms: Annotated[int, Meta(description="When it was answered, Unix time, ms")]
    total_ms: float
    stages: Annotated[dict[str, float], Meta(description="Milliseconds by stage")]
    status: int
    request_id: str | None
    trace_id: Annotated[str, Meta(description="Where it was traced")] | None
    candidates: int | None
    deadline_ms: float | None
    model: str | None
    version: str | None
    lane: str | None
    key: Annotated[str, Meta(description="Name of the caller's key")] | None
    coverage: Coverage | None
    teacher_age_s: float | None
    degraded: list[Degraded]
    batch_requests: Annotated[int, Meta(description="Judged together, itself included")] | None
    batch_candidates: int | None
    inputs: SlowInputs | None
    worker: int | None = None


class SlowRequests(Struct):
    """The slowest of the last minutes, of all workers, the slowest first."""

    kept: Annotated[int, Meta(description="Of each window and worker; 0: nothing is kept")]
    window_s: float
    windows: int
    silent_workers: Annotated[int, Meta(description="That did not answer in time")]
    requests: list[SlowRequest]
