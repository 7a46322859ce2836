"""Redis dead, slow or answering rubbish: 200 with the reason, never a 5xx."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from cache.embedded import EmbeddedValkey
from cache.keys import page_key, record_key
from tests.bundles import NOW_MS, SPACE, rank_body, tiny_users
from tests.server.conftest import Served
from tests.server.live import live_gateway, settings_for, wait_until
from tests.server.loaded_cache import clear, records_of, write

BODY = rank_body("user-1", 20, timestamp_ms=NOW_MS)


def rank(client: httpx.Client) -> dict[str, Any]:
    answered = client.post("/v1/rank", json=BODY)
    assert answered.status_code == 200, answered.text
    assert len(answered.json()["item_ids"]) == 20
    return dict(answered.json())


def reasons(answer: dict[str, Any]) -> list[str]:
    return [f"{entry['stage']}:{entry['reason']}" for entry in answer["degraded"]]


@contextmanager
def listener(answer: bytes | None) -> Iterator[str]:
    """A server that takes connections and says this to whatever it hears; None says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def talk(connection: socket.socket) -> None:
            try:
                while connection.recv(65_536):
                    if answer is not None:
                        connection.sendall(answer)
            except OSError:
                pass

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                held.append(connection)
                threading.Thread(target=talk, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        for connection in held:
            connection.close()


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"redis://127.0.0.1:{server.getsockname()[1]}/0"


def test_dead_redis_degrades_from_the_start_and_opens_the_breaker(served: Served) -> None:
    given = {"breaker_failures": 3, "breaker_open_ms": 60_000.0}
    settings = settings_for(served.student, redis_url=closed_port(), **given)
    with live_gateway(settings) as client:
        seen = [reasons(rank(client)) for _ in range(4)]
        assert seen[-1] == ["cache:open_breaker"]
        assert "understudy_breaker_open 1.0" in client.get("/metrics").text


def test_silent_redis_costs_less_than_the_callers_deadline(served: Served) -> None:
    with listener(None) as url:
        settings = settings_for(
            served.student, redis_url=url, cache_timeout_ms=300.0, breaker_failures=10_000
        )
        with live_gateway(settings) as client:
            for _ in range(3):
                answer = client.post("/v1/rank", json=rank_body("user-1", 5, deadline_ms=250.0))
                assert answer.status_code == 200
                assert answer.json()["degraded"] == [{"stage": "cache", "reason": "timeout"}]


def test_silent_redis_costs_its_time_budget_and_no_more(served: Served) -> None:
    with listener(None) as url:
        settings = settings_for(
            served.student, redis_url=url, cache_timeout_ms=20.0, breaker_failures=10_000
        )
        with live_gateway(settings) as client:
            assert reasons(rank(client)) == ["cache:timeout"]


@pytest.mark.parametrize(
    "rubbish",
    [
        b"\x00\xff\xfe not redis at all\r\n",
        b"-ERR no\r\n",
        b":7\r\n",
        b"*2\r\n:1\r\n:2\r\n",
        b"*1\r\n$3\r\nabc\r\n",
        b"",
    ],
)
def test_rubbish_from_redis_degrades(served: Served, rubbish: bytes) -> None:
    with listener(rubbish or None) as url:
        settings = settings_for(
            served.student, redis_url=url, cache_timeout_ms=15.0, breaker_failures=10_000
        )
        with live_gateway(settings) as client:
            for _ in range(3):
                (reason,) = reasons(rank(client))
                assert reason in ("cache:unavailable", "cache:timeout", "cache:corrupt")


@pytest.mark.redis
@pytest.mark.parametrize("garbage", [b"", b"\x00", b"UP" + b"\xff" * 200, b"x" * 100_000])
def test_garbage_values_degrade_and_the_rest_is_used(
    served: Served, redis_url: str, garbage: bytes
) -> None:
    clear(redis_url)
    write(redis_url, records_of(tiny_users()))
    with live_gateway(settings_for(served.student, redis_url=redis_url)) as client:
        sound = rank(client)
        assert sound["degraded"] == []
        write(redis_url, {page_key("user-1", SPACE): garbage})
        damaged = rank(client)
        assert reasons(damaged) == ["cache:corrupt"]
        assert damaged["scores"] == sound["scores"]
        write(redis_url, {record_key("user-1"): garbage})
        assert reasons(rank(client)) == ["cache:corrupt"]


@pytest.mark.redis
def test_redis_that_goes_and_comes_back_is_used_again(served: Served, tmp_path: Path) -> None:
    valkey = EmbeddedValkey(tmp_path / "valkey")
    url = valkey.start()
    settings = settings_for(served.student, redis_url=url, breaker_open_ms=20.0)
    try:
        with live_gateway(settings) as client:
            assert rank(client)["degraded"] == []
            valkey.stop()
            assert reasons(rank(client))[0] in ("cache:unavailable", "cache:open_breaker")
            valkey.start()
            wait_until(lambda: not rank(client)["degraded"], "the cache to be read again")
    finally:
        valkey.stop()
