"""The engine over real sockets."""

import asyncio
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from loadtest.errors import GatewayUnreachable, LoadInvalid
from loadtest.event_loop import run
from loadtest.run.engine import Load, execute
from loadtest.run.plan import Options, plan
from loadtest.run.scenario import Scenario
from loadtest.run.verdict import why_invalid
from tests.loadtest.toy_server import SLATE, toy

OPTIONS = Options(rate=200.0, seconds=1.0)


def _load(options: Options = OPTIONS) -> Load:
    load = plan(options)
    return load._replace(scenario=load.scenario.model_copy(update={"warm_up_s": 0.0}))


def test_every_request_is_sent_once_and_told_with_its_stages() -> None:
    with toy() as url:
        ran = run(execute(_load(), url))
    told = ran.figures()
    assert (told["requests"], told["answered"], told["failed"]) == (200, 200, 0)
    assert told["stages_ms"]["inference"]["p50"]["value"] == 1.5
    assert told["shares"] == {"errors": 0.0, "shed": 0.0, "degraded": 0.0, "coverage": 0.75}
    assert told["versions"] == {"v1": 200}
    assert told["rate"]["intended"] == pytest.approx(200.0, rel=0.01)
    assert ran.cost.cpu_s > 0


def test_a_stall_is_charged_to_everything_that_was_due_in_it() -> None:
    """Closed loops leave them out: one caller waits, and the rest is never sent."""
    stalled_s = 0.4
    stall = asyncio.Event()
    began = 0.0

    async def answering(scope: dict[str, Any], body: bytes) -> tuple[int, dict[str, Any]]:
        nonlocal began
        now = time.monotonic()
        began = began or now
        if now - began > 0.3 and not stall.is_set():
            stall.set()
            time.sleep(stalled_s)  # noqa: ASYNC251, the whole server hangs
        return 200, SLATE

    with toy(answering) as url:
        spent = run(execute(_load(), url)).samples.latency_ms
    late = (spent > 50.0).sum()
    assert spent.max() > stalled_s * 900.0
    assert late > 0.5 * stalled_s * 200.0


@pytest.mark.parametrize(("status", "share"), [(429, "shed"), (503, "errors")])
def test_refusals_are_counted_for_what_they_are(status: int, share: str) -> None:
    count = 0

    async def answering(scope: dict[str, Any], body: bytes) -> tuple[int, dict[str, Any]]:
        nonlocal count
        count += 1
        return (status if count % 4 == 0 else 200), SLATE

    with toy(answering) as url:
        told = run(execute(_load(), url)).figures()
    assert told["shares"][share] == pytest.approx(0.25, abs=0.01)


async def _degraded(scope: dict[str, Any], body: bytes) -> tuple[int, dict[str, Any]]:
    return 200, {**SLATE, "degraded": [{"stage": "cache", "reason": "timeout"}]}


def test_reasons_are_told() -> None:
    with toy(_degraded) as url:
        told = run(execute(_load(), url)).figures()
    assert told["shares"]["degraded"] == 1.0
    assert told["reasons"] == {"cache:timeout": 200}


def test_messagepack_arrives_as_such() -> None:
    read: list[Any] = []

    async def answering(scope: dict[str, Any], body: bytes) -> tuple[int, dict[str, Any]]:
        assert (b"content-type", b"application/msgpack") in scope["headers"]
        read.append(msgspec.msgpack.decode(body))
        return 200, SLATE

    with toy(answering) as url:
        told = run(execute(_load(OPTIONS._replace(wire="msgpack")), url)).figures()
    assert told["failed"] == 0
    assert len(read[0]["item_ids"]) == 100


def test_nobody_listening_is_said_before_the_load() -> None:
    with pytest.raises(GatewayUnreachable):
        run(execute(_load(), "http://127.0.0.1:9"))


def test_a_request_that_is_refused_for_itself_is_said_before_the_load() -> None:
    async def answering(scope: dict[str, Any], body: bytes) -> tuple[int, dict[str, Any]]:
        return 401, {"title": "a key is needed"}

    with toy(answering) as url, pytest.raises(LoadInvalid, match=r"401.*a key is needed"):
        run(execute(_load(), url))


def test_a_closed_loop_never_has_more_in_flight_than_callers() -> None:
    now = most = 0

    async def answering(scope: dict[str, Any], body: bytes) -> tuple[int, dict[str, Any]]:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.005)
        now -= 1
        return 200, SLATE

    with toy(answering) as url:
        told = run(execute(_load(OPTIONS._replace(closed=4, seconds=0.5)), url)).figures()
    assert most == 4
    assert 40 < told["requests"] <= 400


def test_a_generator_that_cannot_keep_up_is_found_out() -> None:
    """Its loop is kept busy, as by too high a rate."""

    async def held_up(url: str) -> dict[str, Any]:
        def hold(sample: object) -> None:
            time.sleep(0.02)

        return (await execute(_load(), url, watch=hold)).figures()

    with toy() as url:
        told = run(held_up(url))
    assert "the generator sent" in str(why_invalid(told))
    assert told["generator"]["lag_ms"]["max"] > 100.0


def test_another_student_is_marked_when_it_first_answers() -> None:
    asked = 0

    async def answering(scope: dict[str, Any], body: bytes) -> tuple[int, dict[str, Any]]:
        nonlocal asked
        asked += 1
        return 200, {**SLATE, "version": "v1" if asked <= 100 else "v2"}

    with toy(answering) as url:
        [mark] = run(execute(_load(), url)).marks
    assert mark.what == "v2 answers"
    assert 0.3 < mark.from_s < 0.7


def test_log_arrivals_need_a_log(tmp_path: Path) -> None:
    with pytest.raises(LoadInvalid, match=r"replay\.jsonl"):
        plan(OPTIONS._replace(arrivals="log"))


def test_the_warm_up_is_not_counted() -> None:
    seen = 0

    async def answering(scope: dict[str, Any], body: bytes) -> tuple[int, dict[str, Any]]:
        nonlocal seen
        seen += 1
        return 200, SLATE

    load = _load()
    warm: Scenario = load.scenario.model_copy(update={"warm_up_s": 0.5})
    with toy(answering) as url:
        told = run(execute(load._replace(scenario=warm), url)).figures()
    assert told["requests"] == 200
    assert seen == 200 + 100 + 1  # and the first knock
