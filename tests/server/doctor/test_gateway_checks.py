"""Live gateways that are wrong in one way at a time."""

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from cache.embedded import EmbeddedValkey
from server.doctor import gateway_checks
from server.doctor.finding import Finding
from server.doctor.series import Series
from server.doctor.subject import Subject
from server.doctor.told import Told
from server.settings import Settings
from tests.server.access.keys import entry, write_keys
from tests.server.conftest import Served
from tests.server.doctor.subjects import of_gateway, verdicts
from tests.server.kept import body_of, page_for
from tests.server.live import live_gateway, settings_for, wait_until
from tests.server.loaded_cache import clear, write
from tests.server.test_redis_down import listener
from tests.server.web_answers import http


def url_of(client: httpx.Client) -> str:
    return str(client.base_url)


def test_gateway_without_a_cache_is_well_but_for_that(gateway: httpx.Client) -> None:
    told = of_gateway(url_of(gateway))
    assert verdicts(told, "fail") == []
    assert verdicts(told, "warn") == ["cache, as it sees it"]
    assert told["ready"].found.startswith("ready: student ")
    assert told["bundle"].found.startswith("stable: student ")
    assert told["redis"].found == "no Redis is named: --redis"


def test_gateway_that_is_not_there_is_a_failure_and_the_rest_is_left_out() -> None:
    for url in ("http://127.0.0.1:1", "127.0.0.1:8080"):
        told = of_gateway(url)
        assert verdicts(told, "fail") == ["gateway"]
        assert told["ready"].found == "no gateway answers"
    with listener(b"220 mail\r\n") as url:
        assert of_gateway(url.replace("redis:", "http:"))["gateway"].verdict == "fail"


@pytest.mark.parametrize("status", ["200 OK", "404 Not Found", "502 Bad Gateway"])
def test_what_is_no_gateway_is_not_waited_for(status: str) -> None:
    with listener(http(status, "<html>hello</html>")) as url:
        told = of_gateway(url.replace("redis:", "http:"))
    assert verdicts(told, "fail") == ["gateway"]
    assert "not as a gateway does" in told["gateway"].found
    assert "another service" in told["gateway"].remedy


def test_refusal_that_breaks_off_is_no_answer() -> None:
    broken = b"HTTP/1.1 503 x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n"
    with listener(broken) as url:
        told = of_gateway(url.replace("redis:", "http:"))["gateway"]
    assert (told.verdict, told.found[:10]) == ("fail", "no answer:")


def test_gateway_that_is_not_ready_says_why(tmp_path: Path) -> None:
    with live_gateway(settings_for(tmp_path / "missing"), wait_ready=False) as client:
        wait_until(lambda: "manifest" in client.get("/readyz").text, "the reason")
        told = of_gateway(url_of(client))
    assert verdicts(told, "fail") == ["ready"]
    assert "is not a manifest" in told["ready"].found


def test_other_provider_than_asked_for_is_a_warning(gateway: httpx.Client) -> None:
    told = of_gateway(url_of(gateway), settings=Settings(provider="cuda"))["provider"]
    assert (told.verdict, told.found) == (
        "warn", "cuda was asked for, and cpu runs the student",
    )  # fmt: skip


def test_file_of_keys_that_broke_is_a_failure(served: Served, tmp_path: Path) -> None:
    path = write_keys(tmp_path / "keys.toml", entry("one"))
    with live_gateway(settings_for(served.student, keys=path)) as client:
        assert of_gateway(url_of(client))["keys"] == Finding("ok", "1 keys may rank")
        path.write_text("[[key]]\nname = 1\n")
        wait_until(lambda: "file_unread 1.0" in client.get("/metrics").text, "it to be seen")
        assert of_gateway(url_of(client))["keys"].verdict == "fail"


@pytest.mark.redis
def test_clocks_that_differ_are_told(served: Served, redis_url: str) -> None:
    settings = settings_for(served.student, redis_url=redis_url)
    with live_gateway(settings) as client:
        for skew_s, verdict in ((0.0, "ok"), (-10.0, "warn"), (100.0, "fail")):
            told = of_gateway(
                url_of(client), redis_url=redis_url, clock=lambda ahead=skew_s: time.time() + ahead
            )
            for name in ("gateway's clock", "redis clock"):
                assert told[name].verdict == verdict, told[name]
        assert "behind this one" in told["redis clock"].found


@pytest.mark.redis
def test_answers_without_a_hint_are_a_failure(served: Served, redis_url: str) -> None:
    clear(redis_url)
    settings = settings_for(served.student, redis_url=redis_url, pair_coverage_objective=0.99)
    with live_gateway(settings) as client:
        assert of_gateway(url_of(client))["coverage"].verdict == "skip"
        client.post("/v1/rank", json=body_of(0)).raise_for_status()
        told = of_gateway(url_of(client))
        assert told["coverage"].verdict == "fail"
        assert told["coverage"].found.endswith("student 0%")
        assert (told["freshness"].verdict, "(fast)" in told["freshness"].found) == ("fail", True)
        write(redis_url, page_for("user-0"))
        client.post("/v1/rank", json=body_of(0)).raise_for_status()
        assert of_gateway(url_of(client))["coverage"].verdict == "ok"


@pytest.mark.redis
def test_frozen_redis_is_seen_through_the_gateway_too(served: Served, tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / "own") as valkey:
        pid = valkey.pid
        assert pid is not None
        settings = settings_for(served.student, redis_url=valkey.url, cache_timeout_ms=50.0)
        with live_gateway(settings) as client:
            os.kill(pid, signal.SIGSTOP)
            told = of_gateway(url_of(client), redis_url=valkey.url)
            os.kill(pid, signal.SIGCONT)
    assert verdicts(told, "fail") == ["cache, as it sees it", "redis"]


def page(text: str) -> Any:
    return Subject(told=Told(None, "", None, Series.read(text.encode()), None))


def test_silent_worker_and_bundles_that_differ_are_warnings() -> None:
    bundle = 'understudy_bundle_info{{lane="stable",model="m",version="{}",worker="{}"}} 1\n'
    text = bundle.format("v1", 0) + bundle.format("v2", 1)
    subject = page(text + 'understudy_workers{state="silent"} 1\n')
    told = asyncio.run(gateway_checks.bundle(subject))
    assert (told.verdict, told.found.endswith("m v1, v2")) == ("warn", True)
    assert asyncio.run(gateway_checks.workers(subject)).verdict == "warn"
