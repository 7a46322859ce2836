import asyncio
import json
import signal
import time
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from server.arrival import StampedProtocol
from server.listening.drain import Drain
from server.listening.server import GatewayServer
from tests.server.conftest import Served
from tests.server.listening.raw import BODY, GOOD, HEAD, is_refused, until_ready, wire_to
from tests.server.live import live_server, settings_for, url_of, wait_until

RATE = 80.0
SECONDS = 2.5


def test_drain_is_over_so_long_after_it_first_began() -> None:
    now_s = [100.0]
    drain = Drain(5.0, lambda: now_s[0])
    assert not drain.has_begun
    assert not drain.is_over
    drain.begin()
    now_s[0] = 104.9
    drain.begin()
    assert drain.has_begun
    assert not drain.is_over
    now_s[0] = 105.0
    assert drain.is_over


def test_draining_gateway_answers_says_so_and_closes_each_connection(served: Served) -> None:
    with live_server(settings_for(served.student, drain_s=60.0)) as server:
        until_ready(server)
        with wire_to(server) as kept, wire_to(server) as fresh:
            kept.send(GOOD)
            status, headers, _ = kept.answer()
            assert (status, headers.get("connection")) == (200, None)
            server.drain.begin()
            kept.send(GOOD)
            status, headers, body = kept.answer()
            assert (status, headers["connection"]) == (200, "close")
            assert json.loads(body)["item_ids"]
            assert kept.rest() == b""
            fresh.send(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
            status, headers, body = fresh.answer()
            assert (status, headers["connection"]) == (503, "close")
            assert json.loads(body)["detail"] == "draining"


def test_answer_that_was_in_work_as_the_drain_began_closes_its_connection(served: Served) -> None:
    with live_server(settings_for(served.student, drain_s=60.0)) as server:
        until_ready(server)
        with wire_to(server) as wire:
            wire.send(HEAD + BODY[:5])
            wait_until(lambda: server.server_state.tasks, "the request")
            server.handle_exit(signal.SIGTERM, None)
            wire.send(BODY[5:])
            status, headers, _ = wire.answer()
            assert (status, headers["connection"]) == (200, "close")


@pytest.mark.parametrize("is_head_out", [False, True])
def test_connection_is_not_closed_behind_an_answer_that_did_not_say_so(is_head_out: bool) -> None:
    connection: Any = object.__new__(StampedProtocol)
    connection.cycle = SimpleNamespace(response_started=is_head_out, keep_alive=True)
    connection.say_last()
    assert connection.cycle.keep_alive == is_head_out


@pytest.mark.parametrize("sent", [10, len(HEAD), len(HEAD) + 5], ids=["line", "head", "body"])
def test_request_begun_before_the_port_closes_is_answered(served: Served, sent: int) -> None:
    with live_server(settings_for(served.student, drain_s=0.0)) as server:
        until_ready(server)
        with wire_to(server) as wire, wire_to(server) as idle:
            wire.send(GOOD[:sent])
            wait_until(lambda: len(server.server_state.connections) >= 2, "both")
            port = wire.socket.getpeername()[1]
            server.drain.begin()
            assert idle.rest() == b""
            assert is_refused(port)
            wire.send(GOOD[sent:])
            status, headers, _ = wire.answer()
            assert (status, headers["connection"]) == (200, "close")


async def balanced(first: GatewayServer, second: GatewayServer) -> list[int]:
    """Statuses of an open loop that asks `first` until it says that it drains, then `second`.
    No request is sent twice."""
    urls, asked = [url_of(first), url_of(second)], list[asyncio.Task[int]]()
    async with httpx.AsyncClient(timeout=20.0) as client:

        async def follow() -> None:
            status = 200
            while status == 200:
                await asyncio.sleep(0.05)
                status = (await client.get(f"{urls[0]}/readyz")).status_code
            urls.reverse()
            await asyncio.gather(*asked)
            first.drain.seconds = 0.0  # over, however long this machine took to get here

        async def ask() -> int:
            answered = await client.post(
                f"{urls[0]}/v1/rank", content=BODY, headers={"content-type": "application/json"}
            )
            return answered.status_code

        following, began_s = asyncio.create_task(follow()), time.monotonic()
        for number in range(int(RATE * SECONDS)):
            await asyncio.sleep(max(0.0, began_s + number / RATE - time.monotonic()))
            asked.append(asyncio.create_task(ask()))
            if number == int(RATE * 0.5):
                first.drain.begin()
        await following
        return await asyncio.gather(*asked)


def test_open_loop_that_goes_elsewhere_as_told_loses_nothing(served: Served) -> None:
    settings = settings_for(served.student, drain_s=600.0)
    with live_server(settings, 600) as first, live_server(settings, 600) as second:
        until_ready(first)
        until_ready(second)
        assert asyncio.run(balanced(first, second)) == [200] * int(RATE * SECONDS)
        wait_until(lambda: not first.server_state.connections, "the first to end")
        assert first.drain.is_over
