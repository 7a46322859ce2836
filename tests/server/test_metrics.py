import re

import httpx
import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from cache.tiers import PAIR, USER
from server.metrics import LaneMetrics, Metrics
from server.stages import STAGES
from tests.bundles import rank_body
from tests.server.conftest import Served
from tests.server.live import live_gateway, settings_for


def samples(client: httpx.Client) -> dict[tuple[str, str], float]:
    """(name, labels as text without the version) → value."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {
        (s.name, ",".join(v for k, v in sorted(s.labels.items()) if k != "version")): s.value
        for family in families
        for s in family.samples
    }


def test_request_is_counted_by_stage_tier_and_reason(served: Served) -> None:
    with live_gateway(settings_for(served.student)) as client:
        body = rank_body("u", 20)
        timed = client.post("/v1/rank", json=body | {"item_ids": [*body["item_ids"], "unseen"]})
        client.post("/v1/rank", json={})
        client.get("/v1/rank/anything")
        seen = samples(client)
    assert seen["understudy_candidates_total", "stable,none"] == 21
    assert seen["understudy_degraded_total", "unknown_item,features"] == 1
    assert seen["understudy_requests_total", "/v1/rank,200"] == 1
    assert seen["understudy_requests_total", "/v1/rank,422"] == 1
    assert seen["understudy_requests_total", "other,404"] == 1
    assert seen["understudy_ready", ""] == 1
    header = dict(re.findall(r"(\w+);dur=([\d.]+)", timed.headers["Server-Timing"]))
    for stage in (*STAGES, "total"):
        assert seen["understudy_stage_seconds_count", f"stable,{stage}"] == 1
        spent_ms = seen["understudy_stage_seconds_sum", f"stable,{stage}"] * 1000
        assert abs(spent_ms - float(header[stage])) < 0.01


def test_teacher_age_is_weighted_by_candidates() -> None:
    metrics = Metrics()
    lane = LaneMetrics(metrics, "stable", "v1")
    lane.aged(PAIR, np.array([0.5, 2.5, 2.5, 100_000.0], np.float32))
    lane.aged(PAIR, np.array([2.5], np.float32))
    lane.aged(USER, np.array([7.0, 8.0], np.float32))
    page = metrics.page().decode().replace('lane="stable",', "").replace(',version="v1"', "")
    for bound, count in (("1", 1), ("5", 4), ("86400", 4)):
        sample = f'understudy_teacher_age_seconds_bucket{{le="{bound}",tier="pair"}} {count}.0'
        assert sample in page
    assert 'understudy_teacher_age_seconds_count{tier="pair"} 5.0' in page
    assert 'understudy_teacher_age_seconds_sum{tier="pair"} 100008.0' in page
    assert 'understudy_teacher_age_seconds_sum{tier="user"} 15.0' in page
