"""One request's place in a trace, and what becomes of it."""

import time
from asyncio import CancelledError
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter_ns
from typing import Final, NamedTuple

from starlette.requests import ClientDisconnect

from server.caller import HungUp
from server.errors import ServingError
from server.shed import HUNG_UP
from server.stages import StageClock
from server.tracing.operation import Operation

RESPONSE: Final = b"traceresponse"
MAX_EXEMPLAR: Final = 128
"""By OpenMetrics."""
_LEFT: Final = (CancelledError, ClientDisconnect, HungUp)

Attribute = str | int | float | Sequence[str]
Attributes = Mapping[str, Attribute]


class Ids(NamedTuple):
    trace_id: int
    span_id: int
    inference_id: int  # of the span that Triton's are children of
    parent_id: int  # 0 where the trace begins here
    state: str  # tracestate


class Finished(NamedTuple):
    """A request that was answered, light enough to wait: spans are made of it in another thread."""

    operation: Operation
    ids: Ids
    offset_ns: int  # from perf_counter_ns to Unix time
    began_ns: int  # of perf_counter_ns, as all that follow
    ended_ns: int
    marks: Sequence[tuple[str, int]]  # stages in their order, and when each ended
    attributes: Attributes
    fault: str | None  # why it is the gateway's fault that it has no answer

    @property
    def spans(self) -> int:
        return 1 + len(self.marks)


class Trace:
    """Of one request that is sampled. Told once how the request ended."""

    __slots__ = ("_keep", "ids", "marks", "operation")

    def __init__(self, operation: Operation, ids: Ids, keep: Callable[[Finished], None]) -> None:
        self.operation = operation
        self.ids = ids
        self.marks: list[tuple[str, int]] = []
        self._keep = keep

    @property
    def id(self) -> str:
        """As logs and exemplars name the trace."""
        return f"{self.ids.trace_id:032x}"

    @property
    def header(self) -> tuple[bytes, bytes]:
        """Of the answer: which span it was."""
        return RESPONSE, _told(self.ids.trace_id, self.ids.span_id).encode()

    def exemplar_labels(self, request_id: str) -> dict[str, str]:
        """Names and values of an exemplar have MAX_EXEMPLAR characters together: a long id of a
        request is left out."""
        labels = {"trace_id": self.id, "request_id": request_id}
        if sum(map(len, (*labels, *labels.values()))) > MAX_EXEMPLAR:
            del labels["request_id"]
        return labels

    @property
    def onward(self) -> dict[str, str]:
        """Headers of what is asked of Triton for this request."""
        headers = {"traceparent": _told(self.ids.trace_id, self.ids.inference_id)}
        return headers | {"tracestate": self.ids.state} if self.ids.state else headers

    def answered(self, clock: StageClock, status: int, attributes: Attributes) -> None:
        """The stages add up to the whole: it ends with the last of them."""
        ended_ns = self.marks[-1][1] if self.marks else perf_counter_ns()
        self._end(clock, ended_ns, {**self.operation.status(status), **attributes})

    def failed(self, clock: StageClock, error: BaseException) -> None:
        """4xx are the caller's: by the semantic conventions the gateway's span is no error."""
        if isinstance(error, _LEFT):
            self._end(clock, perf_counter_ns(), {"error.type": HUNG_UP})
            return
        status = error.status if isinstance(error, ServingError) else 500
        told: Attributes = {**self.operation.status(status), "error.type": type(error).__name__}
        fault = getattr(error, "title", type(error).__name__) if status >= 500 else None
        self._end(clock, perf_counter_ns(), told, fault)

    def _end(
        self, clock: StageClock, ended_ns: int, attributes: Attributes, fault: str | None = None
    ) -> None:
        offset_ns = time.time_ns() - perf_counter_ns()
        self._keep(
            Finished(
                self.operation, self.ids, offset_ns, clock.started_ns, ended_ns, tuple(self.marks),
                attributes, fault,
            )
        )  # fmt: skip


def _told(trace_id: int, span_id: int) -> str:
    return f"00-{trace_id:032x}-{span_id:016x}-01"
