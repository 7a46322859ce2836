"""The administrator's part of the OpenAPI document."""

from typing import Final

from server.examples import ITEMS_EXAMPLE, ROLLOUT_EXAMPLES
from server.openapi_parts import Json, body_of, content_of, reading, refused
from server.rollout_wire import (
    Bundles,
    Models,
    RolloutAct,
    RolloutHistory,
    Rollouts,
    RolloutStatus,
)
from server.routes.rollouts import HISTORY, MAX_HISTORY
from server.routes.slow import SHOWN
from server.slow.pages import MAX_SHOWN
from server.slow.wire import SlowRequests
from server.wire import ItemBatch, ItemsAccepted

TYPES: Final = (
    ItemBatch, ItemsAccepted, Rollouts, RolloutStatus, RolloutAct, RolloutHistory, Models, Bundles,
    SlowRequests,
)  # fmt: skip
TOKEN: Final = "admin_token"
_MODEL: Final[Json] = {
    "name": "model",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "minLength": 1, "pattern": "^[^/]+$"},
}
_COUNT: Final[Json] = {
    "name": "count",
    "in": "query",
    "description": f"How many transitions; {HISTORY} when absent",
    "schema": {"type": "integer", "minimum": 1, "maximum": MAX_HISTORY},
}
_SHOWN: Final[Json] = {
    "name": "count",
    "in": "query",
    "description": f"How many requests; {SHOWN} when absent",
    "schema": {"type": "integer", "minimum": 1, "maximum": MAX_SHOWN},
}


def paths() -> Json:
    return {
        "/v1/items": {"post": _items()},
        "/v1/rollouts": {
            "get": _told("How the rollout of each model stands", "Rollouts", (401, 500, 503))
        },
        "/v1/rollouts/{model}": {"post": _act()},
        "/v1/rollouts/{model}/history": {"get": _history()},
        "/v1/models": {
            "get": _told("The models that are loaded, by lane", "Models", (401, 500, 503))
        },
        "/v1/bundles": {"get": _told("The bundles of the registry", "Bundles", (401, 500, 503))},
        "/v1/slow": {"get": _slow()},
    }


def _items() -> Json:
    accepted = {"description": "All are in the store", "content": content_of("ItemsAccepted")}
    return {
        "operationId": "items",
        "summary": "Tell of ads that are new, changed, paused or gone",
        "description": "All or nothing. Every gateway ranks by it within seconds; of two words on "
        "one item the later holds, so sending a batch again changes nothing.",
        "security": [{TOKEN: []}],
        "requestBody": body_of("ItemBatch", ITEMS_EXAMPLE),
        "responses": {"202": accepted} | refused(400, 401, 413, 415, 422, 500, 503),
    }


def _act() -> Json:
    done = {"description": "How it stands now", "content": content_of("RolloutStatus")}
    return {
        "operationId": "rollout",
        "summary": "Start, pause, resume, promote or abort a rollout",
        "description": "What is done holds for all gateways of the model within half a second.",
        "security": [{TOKEN: []}],
        "parameters": [_MODEL],
        "requestBody": body_of("RolloutAct", ROLLOUT_EXAMPLES),
        "responses": {"200": done} | refused(400, 401, 404, 409, 413, 415, 422, 500, 503),
    }


def _history() -> Json:
    summary = "What was done to a model's rollouts, by whom and why"
    told = _told(summary, "RolloutHistory", (401, 404, 422, 500, 503))
    return told | {"parameters": [_MODEL, _COUNT]}


def _slow() -> Json:
    told = _told("The slowest requests of the last minutes", "SlowRequests", (401, 422, 500))
    return told | {"parameters": [_SHOWN]}


def _told(summary: str, answer: str, refusals: tuple[int, ...]) -> Json:
    return reading(summary, answer, refusals) | {"security": [{TOKEN: []}]}
