"""What the schema of the values must say of settings and options, read from the code."""

import importlib
import inspect
from collections.abc import Mapping
from typing import Any, Final, get_args, get_origin

import typer
from pydantic import TypeAdapter

from server.settings import Settings
from understudy import COMMANDS

CHART_OWNED: Final = {
    "host", "port", "grpc_port", "tls_certificate", "tls_key", "tls_client_ca",
    "admin_token", "keys", "trusted_keys", "bundle", "catalogue", "provider", "triton_url",
    "redis_url", "trace_ratio", "trace_endpoint", "log_format",
}  # fmt: skip
"""Settings that other values decide: ports, secrets, addresses, the artifact."""
OWNED_OPTIONS: Final = {
    "redis_url", "serving", "load", "to", "bundle", "metrics_port", "soft_ttl_s", "hard_ttl_s",
    "provider",
}  # fmt: skip
"""Likewise of the commands behind the cache."""
COMMAND_OF: Final = {
    "refresher": "refresh", "ingest": "ingest", "archive": "archive", "worth": "worth",
    "neighbours": "neighbours",
}  # fmt: skip
KEPT: Final = (
    "type", "enum", "const", "anyOf", "pattern", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "minLength",
)  # fmt: skip


def settings_schema() -> dict[str, Any]:
    fields = Settings.model_json_schema()["properties"]
    told = {name: fields[name] for name in sorted(fields) if name not in CHART_OWNED}
    return _block(
        {
            name: {"description": field["description"], **_plain(field)}
            for name, field in told.items()
        },
        "server/settings.py",
    )


def options_schema(role: str) -> dict[str, Any]:
    command = COMMAND_OF[role]
    found = {
        _named(name, parameter): _option(parameter)
        for name, parameter in _parameters(command).items()
        if name not in OWNED_OPTIONS
    }
    return _block(dict(sorted(found.items())), f"understudy {command}")


def option_names(role: str) -> set[str]:
    """As they are written on the command line."""
    parameters = _parameters(COMMAND_OF[role])
    return {f"--{_named(name, each).replace('_', '-')}" for name, each in parameters.items()}


def _block(properties: Mapping[str, Any], comment: str) -> dict[str, Any]:
    return {
        "$comment": comment,
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }


def _parameters(command: str) -> Mapping[str, inspect.Parameter]:
    table = COMMANDS[command]
    function = getattr(importlib.import_module(table.module), table.function)
    return inspect.signature(function).parameters


def _named(name: str, parameter: inspect.Parameter) -> str:
    """A declared name wins over that of the parameter."""
    declared = _info(parameter).param_decls or ()
    given = declared[0].split("/")[0] if declared else name
    return given.removeprefix("--").replace("-", "_")


def _info(parameter: inspect.Parameter) -> Any:
    return next(
        each for each in get_args(parameter.annotation) if isinstance(each, typer.models.OptionInfo)
    )


def _option(parameter: inspect.Parameter) -> dict[str, Any]:
    assert get_origin(parameter.annotation) is not None, parameter
    info, type_ = _info(parameter), get_args(parameter.annotation)[0]
    bounds = {"minimum": info.min, "maximum": info.max}
    told = _plain(TypeAdapter(type_).json_schema())
    told |= {name: bound for name, bound in bounds.items() if bound is not None}
    return {"description": info.help, **told}


def _plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Without names and defaults, which are told elsewhere."""
    kept = {name: schema[name] for name in KEPT if name in schema}
    if "anyOf" in kept:
        kept["anyOf"] = [_plain(each) for each in kept["anyOf"]]
    return kept
