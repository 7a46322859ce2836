"""Rows of docs/api.md, made from the OpenAPI document."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import SecretStr

from server.openapi import document
from server.openapi_parts import Json
from server.settings import Settings

WORDS: Final = {
    "string": "text", "integer": "integer", "number": "number", "boolean": "boolean",
    "null": "null",
}  # fmt: skip
BOUNDS: Final = (("exclusiveMinimum", "> "), ("minimum", "≥ "), ("maximum", "≤ "))
SIZES: Final = (
    ("minLength", "maxLength"), ("minItems", "maxItems"), ("minProperties", "maxProperties"),
)  # fmt: skip
MOST_NAMED: Final = 4
ELSEWHERE: Final = "/v2"
"""Prefix of the Open Inference Protocol, which has a page of its own."""


class Row(NamedTuple):
    name: str
    kind: str
    meaning: str  # as the type has it, which may be nothing


def described() -> Json:
    """With every route and every refusal that settings can bring."""
    return document(Settings(admin_token=SecretStr("any"), keys=Path("any")))


def routes(api: Json) -> list[Row]:
    return [
        Row(f"{method.upper()} {path}", _answers(operation, api), operation["summary"])
        for path, operations in api["paths"].items()
        for method, operation in operations.items()
        if not path.startswith(ELSEWHERE)
    ]


def fields(name: str, api: Json) -> list[Row]:
    """Of one type of the wire and what is nested in it. Nested fields of a request have a row
    each, since they have rules; those of an answer are named in the row of their object."""
    return list(_Fields(api).of(api["components"]["schemas"][name], ""))


def _answers(operation: Json, api: Json) -> str:
    (status, answer), *refusals = operation["responses"].items()
    content = next(iter(answer["content"].values()))["schema"]
    refused = ", ".join(status for status, _ in refusals)
    return f"{status}: {_told(content, api)}" + (f"; refused with {refused}" if refused else "")


def _told(content: Json, api: Json) -> str:
    """By its fields when they are few, else by the name under which they stand in the page."""
    name = content.get("$ref", "").rpartition("/")[2]
    if name and len(api["components"]["schemas"][name]["properties"]) > MOST_NAMED:
        return f"`{name}`"
    return _Fields(api).kind(content)


class _Fields:
    def __init__(self, api: Json) -> None:
        self._schemas = api["components"]["schemas"]

    def of(self, schema: Json, prefix: str) -> Iterator[Row]:
        is_request = schema.get("additionalProperties") is False
        for name, declared in schema["properties"].items():
            options = _options(declared)
            needed = name in schema.get("required", ())
            rule = ("", ", required")[needed] if is_request else (", may be absent", "")[needed]
            meaning = next((o["description"] for o in options if "description" in o), "")
            yield Row(prefix + name, self._kinds(options, is_request) + rule, meaning)
            for option in options:
                yield from self._nested(option, prefix + name)

    def _nested(self, schema: Json, path: str) -> Iterator[Row]:
        if "$ref" in schema:
            inner = self._schemas[schema["$ref"].rpartition("/")[2]]
            if inner.get("additionalProperties") is False:
                yield from self.of(inner, f"{path}.")
            else:
                yield from self._objects(inner, path)
        elif "items" in schema:
            yield from self._nested(schema["items"], f"{path}[]")
        elif isinstance(schema.get("additionalProperties"), dict):
            yield from self._nested(schema["additionalProperties"], f"{path}.*")

    def _objects(self, schema: Json, path: str) -> Iterator[Row]:
        """Of the fields of an answer's object, those that hold objects again."""
        for row in self.of(schema, f"{path}."):
            if "`" in row.kind:
                yield row

    def kind(self, schema: Json) -> str:
        return self._kinds(_options(schema), is_request=False)

    def _kinds(self, options: list[Json], is_request: bool) -> str:
        """Null is said of answers only: in a request a field is rather left out."""
        told = [self._one(o) for o in options if not (is_request and o.get("type") == "null")]
        if "number" in told and "integer" in told:
            told.remove("integer")
        return " or ".join(told)

    def _one(self, schema: Json) -> str:
        if "$ref" in schema:
            inner = self._schemas[schema["$ref"].rpartition("/")[2]]
            is_request = inner.get("additionalProperties") is False
            return "object" if is_request else f"object of {_named(inner['properties'])}"
        if "enum" in schema:
            return _named(schema["enum"])
        if schema["type"] == "array":
            return f"list{_size(schema)} of {self.kind(schema['items'])}"
        if schema["type"] == "object":
            return f"map{_size(schema)} to {self.kind(schema['additionalProperties'])}"
        return WORDS[schema["type"]] + _bounds(schema) + _size(schema)


def _options(schema: Json) -> list[Json]:
    options: list[Json] = schema.get("anyOf", [schema])
    return options


def _named(names: Any) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _bounds(schema: Json) -> str:
    if "minimum" in schema and "maximum" in schema:
        return f" {_figure(schema['minimum'])}–{_figure(schema['maximum'])}"
    told = [sign + _figure(schema[key]) for key, sign in BOUNDS if key in schema]
    return " " + ", ".join(told) if told else ""


def _size(schema: Json) -> str:
    for least, most in SIZES:
        if most in schema:
            lowest = f"{schema[least]}–" if least in schema else "≤ "
            return f" ({lowest}{_figure(schema[most])})"
    return ""


def _figure(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"
