"""The protocol's part of the OpenAPI document."""

from typing import Any, Final

from server.open_inference.http_routes import MODEL, PREFIX, VERSION
from server.open_inference.wire import (
    AllStatistics,
    InferAnswer,
    InferRequest,
    IsReady,
    Live,
    ModelConfig,
    ModelIndex,
    ModelIsReady,
    ModelMetadata,
    Refused,
    ServerMetadata,
)

TYPES: Final = (
    AllStatistics, InferAnswer, InferRequest, IsReady, Live, ModelConfig, ModelIndex, ModelIsReady,
    ModelMetadata, Refused, ServerMetadata,
)  # fmt: skip
REFUSALS: Final = {
    400: "The body cannot be read: it, or as much as is said to be JSON, is not",
    401: "The bearer token is missing, or is none that is taken here",
    404: "The model or version named is not served here",
    413: "The body is larger than UNDERSTUDY_MAX_BODY_BYTES",
    415: "The Content-Encoding is neither gzip nor deflate",
    422: "An input or parameter breaks its rule",
    429: "Could not be answered in time, or is above the key's quota",
    500: "A fault of the gateway",
    503: "Not ready",
    504: "The deadline passed before the model ran",
}
INFER_EXAMPLE: Final[dict[str, Any]] = {
    "columns": {
        "summary": "Three candidates, scored in the order sent",
        "value": {
            "id": "request-1",
            "inputs": [
                {"name": "user_id", "datatype": "BYTES", "shape": [1], "data": ["user-7"]},
                {
                    "name": "item_ids",
                    "datatype": "BYTES",
                    "shape": [3],
                    "data": ["item-1", "item-2", "item-3"],
                },
                {"name": "bid", "datatype": "FP32", "shape": [3], "data": [0.8, 2.5, 1.0]},
            ],
            "parameters": {"deadline_ms": 60},
            "outputs": [{"name": "scores"}],
        },
    }
}
_JSON: Final = "application/json"
_BINARY: Final = "application/octet-stream"
_NAME: Final = {
    "name": "name",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]{0,62}$"},
    "example": "student",
}
_VERSION: Final = {
    "name": "version",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^[0-9a-f]{12}$"},
}
_INFER: Final = (
    "Inputs and outputs are those of the model's metadata. Also with the binary tensor data "
    "extension: the body is then JSON of Inference-Header-Content-Length bytes, and the tensors."
)

Json = dict[str, Any]


def paths(security: list[Json] | None) -> Json:
    """`security` is what inference asks for."""
    return {
        PREFIX: {"get": _get("The server and its extensions", _ref("ServerMetadata"), ())},
        f"{PREFIX}/health/live": {"get": _get("Whether the process lives", _ref("Live"), ())},
        f"{PREFIX}/health/ready": {
            "get": _get("Whether requests are answered", _ref("IsReady"), (503,))
        },
        f"{PREFIX}/models/stats": {
            "get": _get("What came over the protocol", _ref("AllStatistics"), (503,))
        },
        f"{PREFIX}/repository/index": {
            "post": _get(
                "The model that is served", {"type": "array", "items": _ref("ModelIndex")}, (503,)
            )
        },
        **_model_paths(MODEL, [_NAME], security),
        **_model_paths(VERSION, [_NAME, _VERSION], security),
    }


def _model_paths(path: str, parameters: list[Json], security: list[Json] | None) -> Json:
    def told(summary: str, answer: str) -> Json:
        return {"get": {"parameters": parameters} | _get(summary, _ref(answer), (404, 503))}

    return {
        path: told("Inputs and outputs of the model", "ModelMetadata"),
        f"{path}/ready": told("Whether the model answers", "ModelIsReady"),
        f"{path}/config": told("The model as a configuration of Triton's", "ModelConfig"),
        f"{path}/stats": told("What came over the protocol", "AllStatistics"),
        f"{path}/infer": {"post": {"parameters": parameters} | _infer(security)},
    }


def _infer(security: list[Json] | None) -> Json:
    body = {"schema": _ref("InferRequest"), "examples": INFER_EXAMPLE}
    scores = _ok("The scores", _ref("InferAnswer"))
    scores["content"][_BINARY] = {"schema": {"type": "string", "format": "binary"}}
    return {
        **({} if security is None else {"security": security}),
        "summary": "Score candidates for one user",
        "description": _INFER,
        "requestBody": {"required": True, "content": {_JSON: body}},
        "responses": {"200": scores} | _refusals(tuple(REFUSALS)),
    }


def _get(summary: str, schema: Json, refusals: tuple[int, ...]) -> Json:
    return {
        "summary": summary,
        "responses": {"200": _ok(summary, schema)} | _refusals(refusals),
    }


def _ok(description: str, schema: Json) -> Json:
    return {"description": description, "content": {_JSON: {"schema": schema}}}


def _refusals(statuses: tuple[int, ...]) -> Json:
    return {str(status): _ok(REFUSALS[status], _ref("Refused")) for status in statuses}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}
