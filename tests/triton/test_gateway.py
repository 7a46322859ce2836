"""A gateway whose student runs at a real Triton, which dies and hangs while requests come."""

import signal
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.bundles import rank_body
from tests.faults.loop_thread import LoopThread
from tests.faults.traffic import Answered, Traffic, known_users
from tests.server.live import live_gateway, settings_for, wait_until
from tests.triton.conftest import Exported, shared_regions

LIMIT_MS = 500.0
"""Five such limits in vain, and the deadline is still far: a busy machine must fail no answer."""
DEADLINE_MS = 8000.0


def settings(exported: Exported, **given: Any) -> Any:
    far = {"triton_url": exported.url(), "triton_timeout_ms": 5000.0, "breaker_open_ms": 100.0}
    return settings_for(exported.student, **(far | given))


def degraded(answer: dict[str, Any]) -> set[str]:
    return {entry["reason"] for entry in answer["degraded"] if entry["stage"] == "inference"}


def rank(client: httpx.Client, size: int) -> dict[str, Any]:
    body = rank_body(f"user-{size}", size, seed=size, timestamp_ms=1_760_000_000_000)
    answer: dict[str, Any] = client.post("/v1/rank", json=body).raise_for_status().json()
    return answer


@pytest.mark.parametrize("scheme", ["triton", "triton+http"])
@pytest.mark.parametrize("options", ["", "?shared_memory=1"])
def test_scores_are_those_of_the_student_in_process(
    exported: Exported, scheme: str, options: str
) -> None:
    far = settings(exported, triton_url=exported.url(scheme, options))
    with live_gateway(far) as there, live_gateway(settings_for(exported.student)) as here:
        for size in (1, 20, 200, 1000):
            one, other = rank(there, size), rank(here, size)
            assert degraded(one) == set()
            assert one["item_ids"] == other["item_ids"]
            assert one["scores"] == pytest.approx(other["scores"], abs=1e-5)
    assert shared_regions() == []


def test_other_model_keeps_the_gateway_from_being_ready(exported: Exported) -> None:
    url = f"{exported.url()}/{exported.teacher.name}"
    with live_gateway(settings(exported, triton_url=url), wait_ready=False) as client:
        wait_until(lambda: "other inputs" in client.get("/readyz").text, "the reason")
        assert client.get("/readyz").status_code == 503


def patient_users(number: int) -> dict[str, Any]:
    return known_users(number) | {"deadline_ms": DEADLINE_MS}


@pytest.fixture
def traffic(triton: Exported) -> Iterator[Traffic]:
    with live_gateway(settings(triton, triton_timeout_ms=LIMIT_MS)) as client, LoopThread() as loop:
        traffic = Traffic(loop, str(client.base_url).rstrip("/"), patient_users)
        traffic.start()
        try:
            yield traffic
        finally:
            traffic.stop()


def wait_whole(traffic: Traffic) -> None:
    since_s = time.monotonic()
    wait_until(lambda: traffic.whole_since(since_s) is not None, "whole answers")


def wait_named(traffic: Traffic, reason: str) -> None:
    since_s = time.monotonic()
    wait_until(
        lambda: any(
            f"inference:{reason}" in answer.reasons
            for answer in traffic.between(since_s, time.monotonic())
        ),
        reason,
    )


def not_answered(traffic: Traffic) -> list[Answered]:
    return [answer for answer in traffic.answered if answer.status != 200]


def test_triton_killed_and_started_again_under_load_costs_no_answer(
    triton: Exported, traffic: Traffic
) -> None:
    wait_whole(traffic)
    triton.server.kill()
    wait_named(traffic, "triton_unavailable")
    triton.server.start()
    wait_whole(traffic)
    traffic.stop()
    assert not_answered(traffic) == []
    reasons = {reason for answer in traffic.answered for reason in answer.reasons}
    assert reasons <= {"inference:triton_unavailable", "inference:triton_timeout"}


def test_triton_that_hangs_under_load_costs_no_answer(triton: Exported, traffic: Traffic) -> None:
    wait_whole(traffic)
    triton.server.signal(signal.SIGSTOP)
    wait_named(traffic, "triton_timeout")
    wait_named(traffic, "triton_unavailable")
    triton.server.signal(signal.SIGCONT)
    wait_whole(traffic)
    traffic.stop()
    assert not_answered(traffic) == []


def test_gateway_that_starts_before_triton_answers_and_moves_over(triton: Exported) -> None:
    triton.server.kill()
    with live_gateway(settings(triton)) as client:
        assert degraded(rank(client, 20)) == {"triton_unavailable"}
        triton.server.start()
        wait_until(lambda: degraded(rank(client, 20)) == set(), "Triton's answers")
