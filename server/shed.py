"""Requests that were refused for want of time or right, counted by reason."""

from typing import Final

from server.errors import DeadlineExceeded, Overloaded, QuotaExceeded, ServingError
from server.metrics import Metrics

HUNG_UP: Final = "hung_up"
REASONS: Final[dict[type[ServingError], str]] = {
    Overloaded: "overloaded",
    DeadlineExceeded: "late",
    QuotaExceeded: "over_quota",
}


def count_shed(metrics: Metrics, error: ServingError) -> None:
    reason = REASONS.get(type(error))
    if reason is not None:
        metrics.shed.labels(reason).inc()


def count_hung_up(metrics: Metrics) -> None:
    metrics.shed.labels(HUNG_UP).inc()
