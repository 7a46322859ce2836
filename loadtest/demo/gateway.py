"""What the demo asks of a gateway: a slate for a request, and its events taken."""

import json
import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from loadtest.connection import encode
from loadtest.errors import LoadTestError
from loadtest.pool import Pool
from loadtest.replay_log import LoggedRequest
from understudy_client import server_timing

TIMEOUT_S: Final = 5.0


class Slate(NamedTuple):
    """One answer of POST /v1/rank, or what came instead of it (status 0: nothing came)."""

    status: int
    client_ms: float  # from the intended time of sending
    stages_ms: Mapping[str, float]
    coverage: Mapping[str, float]
    degraded: tuple[str, ...]  # stage:reason
    teacher_age_s: float | None
    shown_scores: tuple[float, ...]  # of each shown item, in the log's order
    lane: str = ""
    version: str = ""

    @property
    def is_failed(self) -> bool:
        return self.status != 200


async def ask(
    pool: Pool, body: Mapping[str, Any], logged: LoggedRequest, intended_s: float
) -> Slate:
    """Never raises: what went wrong is a result too. `intended_s` is on time.monotonic."""
    try:
        answer = await pool.send(encode("POST", "/v1/rank", json.dumps(body).encode()), TIMEOUT_S)
    except (LoadTestError, TimeoutError):
        return Slate(0, _since_ms(intended_s), {}, {}, (), None, ())
    client_ms = _since_ms(intended_s)
    stages = server_timing.parse(answer.headers.get("server-timing", ""))
    if answer.status != 200:
        return Slate(answer.status, client_ms, stages, {}, (), None, ())
    told = json.loads(answer.body)
    return Slate(
        status=answer.status,
        client_ms=client_ms,
        stages_ms=stages,
        coverage=told["coverage"],
        degraded=tuple(f"{d['stage']}:{d['reason']}" for d in told["degraded"]),
        teacher_age_s=told["teacher_age_s"],
        shown_scores=_shown_scores(told, logged),
        lane=told["lane"],
        version=told["version"],
    )


def full_body(logged: LoggedRequest) -> dict[str, Any]:
    """The logged request, answered whole: every candidate's score comes back."""
    return {**logged.body, "top_k": len(logged.candidate_ids)}


def shown_body(logged: LoggedRequest) -> dict[str, Any]:
    """The shown items alone. A candidate's score does not depend on the other candidates."""
    kept = {key: value for key, value in logged.body.items() if key != "candidates"}
    ids = [shown.item_id for shown in logged.shown]
    return {**kept, "item_ids": ids, "top_k": len(ids), "deadline_ms": TIMEOUT_S * 1000.0}


def events_of(logged: LoggedRequest) -> list[dict[str, Any]]:
    """An impression of each shown item, and one event for each of its positive labels."""
    events = []
    for shown in logged.shown:
        kinds = ["impression", *(task for task, label in shown.labels.items() if label)]
        for kind in kinds:
            events.append(
                {
                    "event_id": f"{logged.number}-{shown.position}-{kind}",
                    "type": kind,
                    "user_id": logged.user_id,
                    "item_id": shown.item_id,
                    "timestamp_ms": logged.timestamp_ms,
                }
            )
    return events


def _shown_scores(told: Mapping[str, Any], logged: LoggedRequest) -> tuple[float, ...]:
    scores = dict(zip(told["item_ids"], told["scores"], strict=True))
    return tuple(scores[shown.item_id] for shown in logged.shown)


def _since_ms(intended_s: float) -> float:
    return (time.monotonic() - intended_s) * 1000.0
