"""The OpenAPI document, made from the wire types."""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from typing import Any, Final

import msgspec

from server.examples import EVENTS_EXAMPLE, ITEMS_EXAMPLE, RANK_ANSWER, RANK_EXAMPLES
from server.open_inference import openapi as open_inference
from server.settings import Settings
from server.status_wire import CacheStatus
from server.wire import (
    EventBatch,
    EventsAccepted,
    Health,
    ItemBatch,
    ItemsAccepted,
    Problem,
    RankAnswer,
    RankRequest,
    Ready,
)

TITLE: Final = "Understudy"
JSON: Final = "application/json"
PACKED: Final = "application/msgpack"
PROBLEM: Final = "application/problem+json"
REFUSALS: Final = {
    400: "The body cannot be read: not JSON or MessagePack",
    401: "The bearer token is missing, or is none that is taken here",
    404: "The model named is not served here",
    413: "The body is larger than UNDERSTUDY_MAX_BODY_BYTES",
    415: "The Content-Type is neither JSON nor MessagePack",
    422: "A field breaks its rule; `field`, `value` and `remedy` say which, and what to do",
    429: "Could not be answered in time, or is above the key's quota: retry elsewhere, or after "
    "Retry-After seconds",
    500: "A fault of the gateway",
    503: "Not ready, or what was sent was not stored: try again",
    504: "The deadline passed before the model ran",
}
TYPES: Final = (
    RankRequest, RankAnswer, EventBatch, EventsAccepted, ItemBatch, ItemsAccepted, CacheStatus,
    Health, Ready, Problem,
)  # fmt: skip
TOKEN: Final = "admin_token"
KEY: Final = "key"

Json = dict[str, Any]


def version() -> str:
    try:
        return installed_version("understudy")
    except PackageNotFoundError:  # run from a copied folder
        return "0"


def document(settings: Settings) -> Json:
    types = (*TYPES, *open_inference.TYPES)
    _, schemas = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    _bound(schemas, settings)
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": version(), "description": "Online ad ranking."},
        "paths": {
            "/v1/rank": {"post": _rank(settings)},
            "/v1/events": {"post": _events()},
            **_admin(settings),
            "/v1/cache/status": {
                "get": _get("The cache as this process sees it", "CacheStatus", (503,))
            },
            "/healthz": {"get": _get("Whether the process lives", "Health", ())},
            "/readyz": {"get": _get("Whether requests are answered", "Ready", (503,))},
            "/metrics": {"get": _metrics()},
            **open_inference.paths(None if settings.keys is None else [{KEY: []}]),
        },
        "components": {"schemas": schemas, "securitySchemes": _security(settings)},
    }


def _bound(schemas: Json, settings: Settings) -> None:
    """What the wire types leave to the settings, and what a type cannot say."""
    request = schemas["RankRequest"]
    for column in ("item_ids", "candidates"):
        array = next(part for part in request["properties"][column]["anyOf"] if "items" in part)
        array["maxItems"] = settings.max_candidates
    request["oneOf"] = [
        {"required": [column], "properties": {column: {"type": "array"}, other: {"type": "null"}}}
        for column, other in (("item_ids", "candidates"), ("candidates", "item_ids"))
    ]
    schemas["EventBatch"]["properties"]["events"]["maxItems"] = settings.max_events


def _rank(settings: Settings) -> Json:
    needs_key = settings.keys is not None
    refusals = (400, *[401] * needs_key, 404, 413, 415, 422, 429, 500, 503, 504)
    return {
        "operationId": "rank",
        "summary": "Order candidates for one user",
        "description": "Best first. Whatever could not be had in time is named in `degraded`.",
        "requestBody": _body("RankRequest", RANK_EXAMPLES),
        "responses": {"200": _ranked()} | _refusals(*refusals),
    } | ({"security": [{KEY: []}]} if needs_key else {})


def _ranked() -> Json:
    timing = {
        "description": "Milliseconds by stage, adding up to `total`",
        "schema": {"type": "string"},
    }
    answer = _content("RankAnswer", {"ranked": {"value": RANK_ANSWER}})
    return {"description": "The slate", "headers": {"Server-Timing": timing}, "content": answer}


def _events() -> Json:
    accepted = {"description": "All are in the stream", "content": _content("EventsAccepted")}
    return {
        "operationId": "events",
        "summary": "Report impressions, clicks and conversions",
        "description": "All or nothing; sending a batch again changes nothing.",
        "requestBody": _body("EventBatch", EVENTS_EXAMPLE),
        "responses": {"202": accepted} | _refusals(400, 413, 415, 422, 500, 503),
    }


def _admin(settings: Settings) -> Json:
    """Only what is served."""
    return {} if settings.admin_token is None else {"/v1/items": {"post": _items()}}


def _security(settings: Settings) -> Json:
    given = {TOKEN: settings.admin_token, KEY: settings.keys}
    bearer = {"type": "http", "scheme": "bearer"}
    return {name: bearer for name, setting in given.items() if setting is not None}


def _items() -> Json:
    accepted = {"description": "All are in the store", "content": _content("ItemsAccepted")}
    return {
        "operationId": "items",
        "summary": "Tell of ads that are new, changed, paused or gone",
        "description": "All or nothing. Every gateway ranks by it within seconds; of two words on "
        "one item the later holds, so sending a batch again changes nothing.",
        "security": [{TOKEN: []}],
        "requestBody": _body("ItemBatch", ITEMS_EXAMPLE),
        "responses": {"202": accepted} | _refusals(400, 401, 413, 415, 422, 500, 503),
    }


def _get(summary: str, answer: str, refusals: tuple[int, ...]) -> Json:
    content = {JSON: {"schema": _ref(answer)}}
    ok = {"description": summary, "content": content}
    return {"summary": summary, "responses": {"200": ok} | _refusals(*refusals)}


def _metrics() -> Json:
    content = {"text/plain": {"schema": {"type": "string"}}}
    ok = {"description": "Prometheus text format", "content": content}
    return {"summary": "Every metric", "responses": {"200": ok}}


def _refusals(*statuses: int) -> Json:
    return {str(status): _refusal(status) for status in statuses}


def _refusal(status: int) -> Json:
    content = {PROBLEM: {"schema": _ref("Problem")}}
    refusal: Json = {"description": REFUSALS[status], "content": content}
    if status in (429, 503):
        seconds = {"description": "Seconds", "schema": {"type": "integer"}}
        refusal["headers"] = {"Retry-After": seconds}
    return refusal


def _body(name: str, examples: Json) -> Json:
    return {"required": True, "content": _content(name, examples)}


def _content(name: str, examples: Json | None = None) -> Json:
    media: Json = {"schema": _ref(name)}
    return {JSON: media | ({"examples": examples} if examples else {}), PACKED: media}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}
