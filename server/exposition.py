"""Text formats of metrics, and which one is asked for."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from prometheus_client import exposition as plain
from prometheus_client.openmetrics import exposition as openmetrics


class Exposition(NamedTuple):
    name: str
    media_type: str
    write: Callable[[Any], bytes]
    """The page of a registry, or of any other collector."""


PLAIN: Final = Exposition("plain", plain.CONTENT_TYPE_LATEST, plain.generate_latest)
OPENMETRICS: Final = Exposition(
    "openmetrics", openmetrics.CONTENT_TYPE_LATEST, openmetrics.generate_latest
)
"""The one that has exemplars."""


def asked_for(accept: str) -> Exposition:
    """By the header Accept; Prometheus names both, OpenMetrics first."""
    kinds = {kind.partition(";")[0].strip().lower() for kind in accept.split(",")}
    return OPENMETRICS if "application/openmetrics-text" in kinds else PLAIN
