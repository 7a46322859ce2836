"""A collector of OTLP over HTTP on a real socket: it reads what comes, or errs as it is told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.server.live import wait_until


class Collector:
    def __init__(self) -> None:
        self.url = ""
        self.status = 200
        self.answers = threading.Event()
        """Cleared, it takes a request and says nothing."""
        self.answers.set()
        self.asked = threading.Event()
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.told: list[Any] = []

    @property
    def resources(self) -> list[dict[str, Any]]:
        return [attributes_of(each.resource) for told in self.told for each in told.resource_spans]

    @property
    def spans(self) -> list[Any]:
        return [
            span
            for told in self.told
            for resource in told.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def roots(self, count: int) -> list[Any]:
        """The first requests' own spans; waits until there are so many."""
        wait_until(lambda: len(self._roots()) >= count, f"{count} requests at the collector")
        return self._roots()

    def children(self, root: Any) -> list[Any]:
        found = [span for span in self.spans if span.parent_span_id == root.span_id]
        return sorted(found, key=lambda span: span.start_time_unix_nano)

    def _roots(self) -> list[Any]:
        return [span for span in self.spans if span.kind == span.SPAN_KIND_SERVER]


def attributes_of(holder: Any) -> dict[str, Any]:
    return {each.key: _value(each.value) for each in holder.attributes}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    held = getattr(value, kind)
    return [_value(each) for each in held.values] if kind == "array_value" else held


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(collector))
    server.daemon_threads = True
    collector.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield collector
    finally:
        collector.answers.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(collector: Collector) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.asked.set()
            collector.answers.wait()
            if collector.status == 200:
                collector.paths.append(self.path)
                collector.headers.append({k.lower(): v for k, v in self.headers.items()})
                collector.told.append(ExportTraceServiceRequest.FromString(body))
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(collector.status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: Any) -> None:
            pass

    return Handler
