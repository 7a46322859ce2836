"""The demo's replay on tiny bundles: real processes, real Valkey, a real outage."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from loadtest.demo import live, page, printing
from loadtest.stack import free_port, running_up
from tests.bundles import NOW_MS, rank_body, serving_folder

HOST = "127.0.0.1"
REQUESTS = 240


def _write_replay(serving: Path) -> None:
    """Twelve users come back again and again within an hour, each to the same candidates."""
    rng = np.random.default_rng(1)
    with (serving / "replay.jsonl").open("w") as file:
        for number in range(REQUESTS):
            user = number % 12
            time_ms = NOW_MS + number * 15_000
            body = rank_body(f"user-{user}", 30, seed=user, timestamp_ms=time_ms)
            shown = [
                {
                    "item_id": item_id,
                    "position": position,
                    "labels": {"click": int(rng.random() < 0.3), "conversion": 0},
                }
                for position, item_id in enumerate(body["item_ids"][:5])
            ]
            file.write(json.dumps({"request": body, "shown": shown}) + "\n")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    out = tmp_path_factory.mktemp("demo")
    (out / "serving").mkdir()
    (out / "run").mkdir()
    (out / "run" / "metrics.json").write_text('{"auc": 0.5}')
    _write_replay(serving_folder(out / "serving"))
    facts = {"data": "tiny", "seed": 1, "date": "2025-01-31"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live, "REPLAY_S", 8.0)
        patch.setattr(live, "OUTAGE_S", 1.5)
        # Patient: what is tested is what was counted, on machines that do other things too.
        patch.setenv("UNDERSTUDY_CACHE_TIMEOUT_MS", "250")
        patch.setenv("UNDERSTUDY_DEADLINE_MS", "30000")
        with running_up(out, out / "live", HOST, free_port(HOST)) as stack:
            yield live.measure(stack, out, facts, Console(quiet=True))


@pytest.mark.redis
def test_every_request_is_answered_even_while_redis_is_stopped(report: dict[str, Any]) -> None:
    assert report["requests"] == REQUESTS
    assert report["failed_requests"] == 0
    outage = report["redis_outage"]
    assert outage["requests"] > 0
    assert outage["failed_requests"] == 0
    assert outage["degraded_requests"] > outage["requests"] / 2
    assert outage["reasons"].keys() >= {"cache:timeout"}


@pytest.mark.redis
def test_coverage_grows_from_cold(report: dict[str, Any]) -> None:
    assert report["coverage_over_time"][0]["pair"] == 0.0
    assert report["coverage_final"]["pair"] > 0.3
    for part in report["coverage_over_time"]:
        assert sum(part[tier] for tier in report["coverage_final"]) == pytest.approx(1.0)


@pytest.mark.redis
def test_all_scorers_are_measured_on_the_same_impressions(report: dict[str, Any]) -> None:
    scorers = {"teacher", "student_with_cache", "student_alone", "student_without_cache"}
    assert set(report["auc"]) == scorers
    assert report["quality"]["impressions"] == 5 * report["quality"]["requests_measured"]
    assert report["auc"]["student_with_cache"] != report["auc"]["student_without_cache"]


@pytest.mark.redis
def test_every_event_arrives_in_the_end(report: dict[str, Any]) -> None:
    assert report["events"]["all_accepted"]
    assert report["events"]["accepted"] >= REQUESTS * 5


@pytest.mark.redis
def test_stages_stay_below_what_the_client_saw(report: dict[str, Any]) -> None:
    stages = report["latency_ms"]
    assert {"queue", "cache", "features", "inference", "rerank", "total", "client"} <= set(stages)
    assert stages["total"]["p50"] <= stages["client"]["p50"]
    for spent in stages.values():
        assert spent["p50"] <= spent["p95"] <= spent["p99"]


@pytest.mark.redis
def test_report_is_json_a_page_and_a_table(report: dict[str, Any]) -> None:
    assert json.loads(json.dumps(report)) == report
    html = page.render(report)
    assert html.count("<svg") == 3
    assert "currentColor" in html
    assert not re.search(r"<script|<link|src=|href=.http", html)
    console = Console(record=True, width=120)
    printing.show(report, console)
    assert "Redis stopped" in console.export_text()
    table = printing.as_markdown(report)
    assert f"{report['auc']['teacher']:.4f}" in table
    assert table.count("\n| ") == 1 + len(report["auc"])
