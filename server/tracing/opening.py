"""Traces are on where a ratio and a collector are given."""

from typing import TYPE_CHECKING

from server.collectors import Counts
from server.metrics import Metrics
from server.tracing.errors import TracingMissing
from server.tracing.outbox import Outbox
from server.tracing.settings import TraceSettings
from server.tracing.tracer import Tracer
from server.version import version

if TYPE_CHECKING:
    from server.tracing.otlp import OtlpSender


def open_tracer(settings: TraceSettings, metrics: Metrics, instance: str) -> Tracer | None:
    """None where nothing is traced. `instance` names this process. Raises TracingMissing."""
    sender = check_tracing(settings)
    if sender is None or settings.trace_endpoint is None:
        return None
    dropped = dropped_spans()
    outbox = Outbox(sender(settings.trace_endpoint, instance, version()), dropped)
    metrics.registry.register(dropped)
    return Tracer(settings.trace_ratio, outbox)


def dropped_spans() -> Counts:
    return Counts(
        "understudy_spans_dropped_total",
        "Spans that no collector got: the queue was full, or they could not be sent",
        ["reason"],
    )


def check_tracing(settings: TraceSettings) -> "type[OtlpSender] | None":
    """What sends spans, imported only where requests are traced. Raises TracingMissing."""
    if settings.trace_ratio == 0 or settings.trace_endpoint is None:
        return None
    try:
        from server.tracing.otlp import OtlpSender
    except ModuleNotFoundError as error:
        raise TracingMissing(
            f"UNDERSTUDY_TRACE_RATIO {settings.trace_ratio:g} needs {error.name}, which is not "
            "installed here: pip install 'understudy[tracing]', or set it to 0"
        ) from error
    return OtlpSender
