"""What every operation of the OpenAPI document is made of."""

from typing import Any, Final

JSON: Final = "application/json"
PACKED: Final = "application/msgpack"
PROBLEM: Final = "application/problem+json"
REFUSALS: Final = {
    400: "The body cannot be read: not JSON or MessagePack",
    401: "The bearer token is missing, or is none that is taken here",
    404: "The model named is not served here",
    409: "What is asked cannot be done in this state of the rollout",
    413: "The body is larger than UNDERSTUDY_MAX_BODY_BYTES",
    415: "The Content-Type is neither JSON nor MessagePack",
    422: "A field breaks its rule; `field`, `value` and `remedy` say which, and what to do",
    429: "Could not be answered in time, or is above the key's quota: retry elsewhere, or after "
    "Retry-After seconds",
    500: "A fault of the gateway",
    503: "Not ready, or what was sent was not stored: try again",
    504: "The deadline passed before the model ran",
}

Json = dict[str, Any]


def reading(summary: str, answer: str, refusals: tuple[int, ...]) -> Json:
    """A GET."""
    content = {JSON: {"schema": ref(answer)}}
    ok = {"description": summary, "content": content}
    return {"summary": summary, "responses": {"200": ok} | refused(*refusals)}


def refused(*statuses: int) -> Json:
    return {str(status): _refusal(status) for status in statuses}


def body_of(name: str, examples: Json) -> Json:
    return {"required": True, "content": content_of(name, examples)}


def content_of(name: str, examples: Json | None = None) -> Json:
    media: Json = {"schema": ref(name)}
    return {JSON: media | ({"examples": examples} if examples else {}), PACKED: media}


def ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _refusal(status: int) -> Json:
    content = {PROBLEM: {"schema": ref("Problem")}}
    refusal: Json = {"description": REFUSALS[status], "content": content}
    if status in (429, 503):
        seconds = {"description": "Seconds", "schema": {"type": "integer"}}
        refusal["headers"] = {"Retry-After": seconds}
    return refusal
