"""Both clients within a trace of their caller's."""

from collections.abc import Iterator

import httpx
import pytest

from tests.bundles import rank_body
from tests.server.conftest import Served
from tests.server.live import live_gateway, settings_for
from tests.server.tracing.collector import Collector, collecting
from tests.understudy_client.asked import Asked, Kind

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
ITEMS = list(rank_body("u", 5)["item_ids"])


@pytest.fixture(scope="module")
def traced(served: Served) -> Iterator[tuple[httpx.Client, Collector]]:
    with collecting() as collector:
        settings = settings_for(served.student, trace_ratio=1e-9, trace_endpoint=collector.url)
        with live_gateway(settings) as client:
            yield client, collector


def test_headers_are_asked_for_anew_with_every_request(
    traced: tuple[httpx.Client, Collector], kind: Kind
) -> None:
    client, collector = traced
    spans = iter(("00f067aa0ba902b7", "00f067aa0ba902b8"))

    def headers() -> dict[str, str]:
        return {"traceparent": f"00-{TRACE}-{next(spans)}-01"}

    before = len(collector.spans)
    url, options = str(client.base_url), {"deadline_ms": 30_000.0, "trace_headers": headers}
    with Asked(kind, url, **options) as asked:
        told = [asked.rank("u", ITEMS).trace_id, asked.rank("u", ITEMS).trace_id]
    assert told == [TRACE, TRACE]
    roots = collector.roots(2 if before == 0 else 4)
    parents = {root.parent_span_id.hex() for root in roots}
    assert parents == {"00f067aa0ba902b7", "00f067aa0ba902b8"}


def test_without_a_trace_there_is_none(traced: tuple[httpx.Client, Collector], kind: Kind) -> None:
    with Asked(kind, str(traced[0].base_url), deadline_ms=30_000.0) as asked:
        assert asked.rank("u", ITEMS).trace_id is None
