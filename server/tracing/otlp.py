"""Spans to a collector by OTLP over HTTP. OpenTelemetry is imported here, in spans.py, and nowhere
else; nothing imports either before requests are traced."""

import logging
from collections.abc import Sequence
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace.export import SpanExportResult

from server.tracing.spans import SpanBuilder
from server.tracing.trace import Finished

SERVICE: Final = "understudy"
log = logging.getLogger(__name__)


class FirstOfAll(logging.Filter):
    """Lets one record through until `again`: a collector that is away would fill the log."""

    def __init__(self) -> None:
        super().__init__()
        self.has_said = False

    def filter(self, record: logging.LogRecord) -> bool:
        is_first, self.has_said = not self.has_said, True
        return is_first

    def again(self) -> None:
        self.has_said = False


class OtlpSender:
    """OTEL_EXPORTER_OTLP_HEADERS, …_TIMEOUT, …_COMPRESSION, …_CERTIFICATE and the like of the
    exporter are read from the environment, and so are OTEL_SERVICE_NAME and
    OTEL_RESOURCE_ATTRIBUTES."""

    def __init__(self, endpoint: str, instance: str, version: str) -> None:
        """`instance` names this process."""
        self._builder = SpanBuilder(_resource(instance, version))
        self._exporter = OTLPSpanExporter(endpoint=endpoint)
        self._complaints = FirstOfAll()
        _library_log().addFilter(self._complaints)
        # What callers write into tracestate is theirs.
        logging.getLogger("opentelemetry.trace.span").setLevel(logging.ERROR)
        self._is_failing = False

    def send(self, batch: Sequence[Finished]) -> bool:
        spans = [span for finished in batch for span in self._builder.spans(finished)]
        is_sent = self._exporter.export(spans) is SpanExportResult.SUCCESS
        if is_sent:
            self._complaints.again()
            if self._is_failing:
                log.info("the collector takes spans again")
        self._is_failing = not is_sent
        return is_sent

    def close(self) -> None:
        _library_log().removeFilter(self._complaints)
        self._exporter.shutdown()  # type: ignore[no-untyped-call]


def _library_log() -> logging.Logger:
    return logging.getLogger(OTLPSpanExporter.__module__)


def _resource(instance: str, version: str) -> Resource:
    """What the environment says wins."""
    own = {
        "service.name": SERVICE,
        "service.version": version,
        "service.instance.id": instance,
    }
    return Resource.create({**own, **OTELResourceDetector().detect().attributes})
