"""The OpenAPI document, made from the wire types."""

from typing import Final

import msgspec

from server import openapi_admin
from server.examples import EVENTS_EXAMPLE, RANK_ANSWER, RANK_EXAMPLES
from server.open_inference import openapi as open_inference
from server.openapi_admin import TOKEN
from server.openapi_parts import Json, body_of, content_of, reading, refused
from server.settings import Settings
from server.status_wire import CacheStatus
from server.version import version
from server.wire import (
    EventBatch,
    EventsAccepted,
    Health,
    Problem,
    RankAnswer,
    RankRequest,
    Ready,
)

TITLE: Final = "Understudy"
TYPES: Final = (
    RankRequest,
    RankAnswer,
    EventBatch,
    EventsAccepted,
    CacheStatus,
    Health,
    Ready,
    Problem,
)
KEY: Final = "key"


def document(settings: Settings) -> Json:
    types = (*TYPES, *openapi_admin.TYPES, *open_inference.TYPES)
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
                "get": reading("The cache as this process sees it", "CacheStatus", (503,))
            },
            "/healthz": {"get": reading("Whether the process lives", "Health", (503,))},
            "/readyz": {"get": reading("Whether requests are answered", "Ready", (503,))},
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
        "requestBody": body_of("RankRequest", RANK_EXAMPLES),
        "responses": {"200": _ranked()} | refused(*refusals),
    } | ({"security": [{KEY: []}]} if needs_key else {})


def _ranked() -> Json:
    timing = {
        "description": "Milliseconds by stage, adding up to `total`",
        "schema": {"type": "string"},
    }
    trace = {
        "description": "`00-TRACE-SPAN-01`, where the request is traced",
        "schema": {"type": "string"},
    }
    headers = {"Server-Timing": timing, "traceresponse": trace}
    answer = content_of("RankAnswer", {"ranked": {"value": RANK_ANSWER}})
    return {"description": "The slate", "headers": headers, "content": answer}


def _events() -> Json:
    accepted = {"description": "All are in the stream", "content": content_of("EventsAccepted")}
    return {
        "operationId": "events",
        "summary": "Report impressions, clicks and conversions",
        "description": "All or nothing; sending a batch again changes nothing.",
        "requestBody": body_of("EventBatch", EVENTS_EXAMPLE),
        "responses": {"202": accepted} | refused(400, 413, 415, 422, 500, 503),
    }


def _admin(settings: Settings) -> Json:
    """Only what is served."""
    return {} if settings.admin_token is None else openapi_admin.paths()


def _security(settings: Settings) -> Json:
    given = {TOKEN: settings.admin_token, KEY: settings.keys}
    bearer = {"type": "http", "scheme": "bearer"}
    return {name: bearer for name, setting in given.items() if setting is not None}


def _metrics() -> Json:
    kinds = ("text/plain", "application/openmetrics-text")
    content = {kind: {"schema": {"type": "string"}} for kind in kinds}
    ok = {"description": "Prometheus text format, or OpenMetrics", "content": content}
    return {"summary": "Every metric", "responses": {"200": ok}}
