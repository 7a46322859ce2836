from time import time

import httpx
from prometheus_client.core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from server.exposition import OPENMETRICS, PLAIN, asked_for
from server.metrics import LaneMetrics, Metrics
from server.stages import STAGES, TOTAL, StageClock
from tests.bundles import rank_body
from tests.server.conftest import Served
from tests.server.live import live_gateway, settings_for
from tests.server.tracing.collector import Collector

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
SERIES = "understudy_stage_seconds"
ACCEPT = {
    "Accept": "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2"
}


def families(page: str) -> dict[str, Metric]:
    found = text_string_to_metric_families(page)  # type: ignore[no-untyped-call]
    return {family.name: family for family in found}


def exemplars(family: Metric) -> list[tuple[str, dict[str, str], float, float]]:
    """Stage, labels, value and the bound of its bucket."""
    return [
        (each.labels["stage"], each.exemplar.labels, each.exemplar.value, float(each.labels["le"]))
        for each in family.samples
        if each.exemplar is not None
    ]


def clock_of(spent_ns: int) -> StageClock:
    """All of it in the first stage."""
    clock = StageClock()
    clock.spent_ns = dict.fromkeys(STAGES, 0) | {STAGES[0]: spent_ns}
    clock.started_ns = clock._last_ns - spent_ns
    return clock


def test_buckets_name_the_trace_that_was_counted_in_them(
    served: Served, collector: Collector
) -> None:
    settings = settings_for(served.student, trace_ratio=1e-9, trace_endpoint=collector.url)
    with live_gateway(settings) as client:
        client.post("/v1/rank", json=rank_body("u", 5, request_id="r-1"), headers=PARENT)
        client.post("/v1/rank", json=rank_body("u", 5, request_id="r-2"))
        page = client.get("/metrics", headers=ACCEPT)
    assert page.headers["Content-Type"].startswith("application/openmetrics-text")
    assert page.text.endswith("# EOF\n")
    found = exemplars(families(page.text)[SERIES])
    assert sorted(stage for stage, *_ in found) == sorted((*STAGES, TOTAL))
    for _, labels, value, bound in found:
        assert labels == {"trace_id": TRACE, "request_id": "r-1"}
        assert value <= bound


def test_the_latest_of_a_bucket_stays() -> None:
    metrics = Metrics()
    lane, before_s = LaneMetrics(metrics, "stable", "v1"), time()
    for trace, spent_ns in (("a", 1_000_000), ("b", 1_000_100), ("c", 90_000_000)):
        clock = clock_of(spent_ns)
        lane.timed(clock)
        lane.exemplify(clock, {"trace_id": trace})
    family = families(metrics.page(OPENMETRICS).decode())[SERIES]
    total = [(labels, value) for stage, labels, value, _ in exemplars(family) if stage == TOTAL]
    assert total == [({"trace_id": "b"}, 0.0010001), ({"trace_id": "c"}, 0.09)]
    stamps = [each.exemplar.timestamp for each in family.samples if each.exemplar is not None]
    assert stamps
    for stamp in stamps:
        assert stamp is not None
        assert before_s - 1 <= float(stamp) <= time() + 1


def test_the_plain_page_is_as_if_there_were_none() -> None:
    with_them, without = Metrics(), Metrics()
    for metrics in (with_them, without):
        clock, lane = clock_of(5_000_000), LaneMetrics(metrics, "stable", "v1")
        lane.timed(clock)
        if metrics is with_them:
            lane.exemplify(clock, {"trace_id": TRACE})
    assert with_them.page(PLAIN) == without.page(PLAIN) == without.page()
    assert TRACE.encode() in with_them.page(OPENMETRICS)


def test_the_plain_page_is_what_comes_unasked(gateway: httpx.Client) -> None:
    told = {
        accept: gateway.get("/metrics", headers={"Accept": accept}).headers["Content-Type"]
        for accept in ("*/*", "text/plain;version=0.0.4", "text/html")
    }
    assert set(told.values()) == {PLAIN.media_type}


def test_the_plain_page_is_all_there_is_where_nothing_is_traced(gateway: httpx.Client) -> None:
    """It has no exemplars then, and is written sooner."""
    assert gateway.get("/metrics", headers=ACCEPT).headers["Content-Type"] == PLAIN.media_type


def test_what_is_asked_for_is_told_by_the_header() -> None:
    assert asked_for("") is PLAIN
    assert asked_for("text/plain, Application/OpenMetrics-Text; version=1.0.0") is OPENMETRICS
