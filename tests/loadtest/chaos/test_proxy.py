"""The instrument: a client behind the proxy sees what was asked for, and later nothing of it."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from redis.exceptions import ConnectionError as Unreachable

from cache.embedded import EmbeddedValkey
from loadtest.chaos.proxied import Proxied
from loadtest.stack import free_port

pytestmark = pytest.mark.redis

VALUE = b"v" * 4000
OTHER = b"w" * 4000


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    with (
        EmbeddedValkey(tmp_path_factory.mktemp("valkey")) as server,
        Proxied(free_port("127.0.0.1"), server.socket) as proxied,
    ):
        yield proxied


@pytest.fixture
def client(proxied: Proxied) -> Iterator[Any]:
    """Tries nothing twice."""
    switch(proxied)
    with redis.Redis.from_url(proxied.url, retry=None, socket_timeout=1.0) as client:
        client.mset({"a": VALUE, "b": OTHER})
        yield client
    switch(proxied)


def switch(proxied: Proxied, **trouble: Any) -> None:
    asyncio.run(proxied.switch(trouble))


def took_s(client: Any) -> float:
    began_s = time.monotonic()
    assert client.get("a") == VALUE
    return time.monotonic() - began_s


@pytest.mark.parametrize("trouble", ["resets", "refuses", "silent"])
def test_nothing_is_wrong_once_it_is_over(proxied: Proxied, client: Any, trouble: str) -> None:
    switch(proxied, **{trouble: True})
    with pytest.raises((Unreachable, redis.TimeoutError)):
        client.get("a")
    switch(proxied)
    assert client.mget("a", "b") == [VALUE, OTHER]


def test_a_silent_connection_stays_dead_and_a_new_one_is_not(proxied: Proxied, client: Any) -> None:
    with redis.Redis.from_url(
        proxied.url, retry=None, socket_timeout=0.2, single_connection_client=True
    ) as other:
        assert other.get("a") == VALUE
        switch(proxied, silent=True)
        with pytest.raises(redis.TimeoutError):
            other.get("a")
        switch(proxied)
        assert other.get("a") == VALUE  # which the client opened anew


def test_answers_are_late_by_the_delay(proxied: Proxied, client: Any) -> None:
    switch(proxied, delay_ms=100)
    assert took_s(client) >= 0.1


def test_a_lost_segment_comes_when_it_is_sent_again(proxied: Proxied, client: Any) -> None:
    switch(proxied, lost=1.0)
    assert took_s(client) >= 0.2


def test_no_more_comes_through_than_the_throttle_lets(proxied: Proxied, client: Any) -> None:
    switch(proxied, bytes_s=20_000)
    assert took_s(client) >= 0.2


def test_a_corrupt_segment_differs_in_one_bit(proxied: Proxied, client: Any) -> None:
    switch(proxied, corrupt=1.0)
    for _ in range(20):
        try:
            told = client.get("a")
        except (redis.RedisError, ValueError, UnicodeDecodeError):
            client.close()  # a bit of the length, or of the type
            continue
        assert len(told) == len(VALUE)
        assert (int.from_bytes(told) ^ int.from_bytes(VALUE)).bit_count() == 1
        return
    pytest.fail("every answer was damaged where it could not be read")
