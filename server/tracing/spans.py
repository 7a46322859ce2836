"""A finished request → spans, as OpenTelemetry's exporter takes them."""

from collections.abc import Iterator
from typing import Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from server.tracing.trace import Finished
from server.tracing.tracer import new_span_id

INFERENCE: Final = "inference"
_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
_SCOPE: Final = InstrumentationScope("understudy")


class SpanBuilder:
    def __init__(self, resource: Resource) -> None:
        self._resource = resource

    def spans(self, finished: Finished) -> list[ReadableSpan]:
        """The request's own, then one for each time that a stage had it."""
        ids = finished.ids
        state = TraceState.from_header([ids.state]) if ids.state else None
        own = SpanContext(ids.trace_id, ids.span_id, False, _SAMPLED, state)
        caller = SpanContext(ids.trace_id, ids.parent_id, True, _SAMPLED)
        root = ReadableSpan(
            finished.operation.name,
            own,
            caller if ids.parent_id else None,
            self._resource,
            {**finished.operation.attributes, **finished.attributes},
            kind=SpanKind.SERVER,
            status=_status(finished),
            start_time=finished.began_ns + finished.offset_ns,
            end_time=finished.ended_ns + finished.offset_ns,
            instrumentation_scope=_SCOPE,
        )
        return [root, *self._stages(finished, own)]

    def _stages(self, finished: Finished, own: SpanContext) -> Iterator[ReadableSpan]:
        began_ns, inferred = finished.began_ns, _last_inference(finished)
        for place, (stage, ended_ns) in enumerate(finished.marks):
            span_id = finished.ids.inference_id if place == inferred else new_span_id()
            yield ReadableSpan(
                stage,
                SpanContext(finished.ids.trace_id, span_id, False, _SAMPLED),
                own,
                self._resource,
                start_time=began_ns + finished.offset_ns,
                end_time=ended_ns + finished.offset_ns,
                instrumentation_scope=_SCOPE,
            )
            began_ns = ended_ns


def _last_inference(finished: Finished) -> int | None:
    """The one whose id Triton was told."""
    places = [place for place, (stage, _) in enumerate(finished.marks) if stage == INFERENCE]
    return places[-1] if places else None


def _status(finished: Finished) -> Status:
    if finished.fault is None:
        return Status(StatusCode.UNSET)
    return Status(StatusCode.ERROR, finished.fault)
