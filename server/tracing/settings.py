"""The gateway's settings of traces."""

from typing import Final
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

PATH: Final = "/v1/traces"
"""Where a collector takes traces, unless it is told otherwise."""


class TraceSettings(BaseSettings):
    trace_ratio: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Share of the requests that are traced, of those whose caller says nothing of "
        "it; 0 traces none at all",
    )
    trace_endpoint: str | None = Field(
        None,
        description="Collector that takes traces by OTLP over HTTP, http://host:4318; without one "
        "nothing is traced",
    )

    @field_validator("trace_endpoint")
    @classmethod
    def _check_endpoint(cls, url: str | None) -> str | None:
        return None if url is None else endpoint(url)


def endpoint(url: str) -> str:
    """With the path of traces where the URL has none. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is no URL of a collector: give http://host:port or https://…")
    return parts._replace(path=PATH).geturl() if parts.path in ("", "/") else url
