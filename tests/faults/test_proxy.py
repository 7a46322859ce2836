"""The instrument: a client on the other side of the proxy sees what was asked for."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from redis.exceptions import ConnectionError as Unreachable
from redis.exceptions import ResponseError

from cache.embedded import EmbeddedValkey
from tests.faults.fault import NONE, WRITES, Fault
from tests.faults.loop_thread import LoopThread
from tests.faults.proxy import Proxy

pytestmark = pytest.mark.redis

VALUE = b"v" * 500


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def proxy(valkey: EmbeddedValkey) -> Iterator[Proxy]:
    with LoopThread() as thread:
        proxy = Proxy(thread, valkey.socket)
        proxy.start()
        yield proxy
        proxy.stop()


@pytest.fixture
def client(proxy: Proxy) -> Iterator[Any]:
    """Tries nothing twice."""
    with redis.Redis.from_url(proxy.url, retry=None, socket_timeout=0.5) as client:
        client.set("a", VALUE)
        yield client


def test_nothing_is_wrong_at_first_and_when_it_is_over(proxy: Proxy, client: Any) -> None:
    for fault in (Fault(error=b"ERR no"), Fault(resets=True), Fault(refuses=True)):
        proxy.switch(fault)
        with pytest.raises(redis.RedisError):
            client.get("a")
        proxy.switch(NONE)
        assert client.mget("a", "b") == [VALUE, None]


def test_replies_are_late_by_the_delay(proxy: Proxy, client: Any) -> None:
    proxy.switch(Fault(delay_s=0.1))
    began_s = time.monotonic()
    assert client.get("a") == VALUE
    assert time.monotonic() - began_s >= 0.1


def test_error_takes_the_place_of_a_command_that_the_server_never_sees(
    proxy: Proxy, client: Any
) -> None:
    proxy.switch(Fault(error=b"OOM command not allowed", commands=WRITES))
    with pytest.raises(ResponseError, match="command not allowed"):
        client.set("a", b"other")
    assert client.get("a") == VALUE


def test_silence_is_not_broken_on_a_connection_that_was_used(proxy: Proxy, client: Any) -> None:
    proxy.switch(Fault(is_silent=True))
    with redis.Redis.from_url(proxy.url, retry=None, socket_timeout=0.1) as other:
        with pytest.raises(redis.TimeoutError):
            other.get("a")
        proxy.switch(NONE)
        assert other.get("a") == VALUE  # which the client opened anew


def test_reply_is_cut_after_so_many_bytes(proxy: Proxy, client: Any) -> None:
    proxy.switch(Fault(cut_after=200))
    with pytest.raises(Unreachable):
        client.get("a")


def test_flipped_value_differs_in_one_bit(proxy: Proxy, client: Any) -> None:
    proxy.switch(Fault(flips=True))
    [damaged] = client.mget("a")
    assert (int.from_bytes(damaged) ^ int.from_bytes(VALUE)).bit_count() == 1
