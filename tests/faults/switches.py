"""Everything that can go wrong with the cache, each to be switched on and off."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from random import Random
from typing import Final, NamedTuple

from tests.faults.fault import NONE, WRITES, Fault
from tests.faults.stage import Stage, page_keys

Switch = Callable[[Stage], AbstractContextManager[None]]
TIMEOUT: Final = "cache:timeout"
UNAVAILABLE: Final = "cache:unavailable"
CORRUPT: Final = "cache:corrupt"
FOREIGN: Final = 9
"""A format version of pages that nobody writes."""


class Case(NamedTuple):
    name: str
    switch: Switch
    says: str | None
    """What an answer says; None where reading goes on and only writing does not."""
    refuses_events: bool = True
    """With 503, since they could not be kept."""
    least: float = 0.8
    """Share of the answers that say so at least."""


def proxied(fault: Fault) -> Switch:
    @contextmanager
    def switched(stage: Stage) -> Iterator[None]:
        stage.proxy.switch(fault)
        try:
            yield
        finally:
            stage.proxy.switch(NONE)

    return switched


@contextmanager
def killed(stage: Stage) -> Iterator[None]:
    stage.server.kill()
    try:
        yield
    finally:
        stage.server.start()


@contextmanager
def paused(stage: Stage) -> Iterator[None]:
    stage.server.pause()
    try:
        yield
    finally:
        stage.server.resume()


@contextmanager
def out_of_memory(stage: Stage) -> Iterator[None]:
    stage.server.ask("CONFIG", "SET", "maxmemory", "1mb")
    try:
        yield
    finally:
        stage.server.ask("CONFIG", "SET", "maxmemory", "0")


@contextmanager
def out_of_clients(stage: Stage) -> Iterator[None]:
    """The one left is the test's own."""
    stage.server.ask("CONFIG", "SET", "maxclients", "1")
    stage.server.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    try:
        yield
    finally:
        stage.server.ask("CONFIG", "SET", "maxclients", "10000")


@contextmanager
def read_only(stage: Stage) -> Iterator[None]:
    """A replica whose primary is gone: it goes on to be read."""
    stage.server.ask("REPLICAOF", "127.0.0.1", "1")
    try:
        yield
    finally:
        stage.server.ask("REPLICAOF", "NO", "ONE")


def damaged(damage: Callable[[bytes], bytes]) -> Switch:
    """The page of every user."""

    @contextmanager
    def switched(stage: Stage) -> Iterator[None]:
        held = {key: stage.server.ask("GET", key) for key in page_keys()}
        try:
            for key, value in held.items():
                stage.server.ask("SET", key, damage(value))
            yield
        finally:
            for key, value in held.items():
                stage.server.ask("SET", key, value)

    return switched


def of_foreign_version(page: bytes) -> bytes:
    return page[:2] + bytes([FOREIGN]) + page[3:]


def half(page: bytes) -> bytes:
    return page[: len(page) // 2]


_random: Final = Random(5)


def with_flipped_bit(page: bytes) -> bytes:
    damaged = bytearray(page)
    damaged[_random.randrange(len(page))] ^= 1 << _random.randrange(8)
    return bytes(damaged)


def _answers(error: bytes, commands: frozenset[bytes] = frozenset()) -> Switch:
    return proxied(Fault(error=error, commands=commands))


CASES: Final = (
    Case("server killed with -9, started again", killed, UNAVAILABLE),
    # It is back before an append gives up: events are late, and none is refused.
    Case("server stopped with SIGSTOP, continued", paused, TIMEOUT, False),
    # Low, since a gateway that gets no processor for 50 ms does not count them as waited for.
    Case("replies 50 ms late", proxied(Fault(delay_s=0.05)), TIMEOUT, False, least=0.02),
    Case("replies 500 ms late", proxied(Fault(delay_s=0.5)), TIMEOUT, False),
    Case("half-open: takes bytes, says nothing", proxied(Fault(is_silent=True)), TIMEOUT),
    Case("connections reset", proxied(Fault(resets=True)), UNAVAILABLE),
    Case("connections refused", proxied(Fault(refuses=True)), UNAVAILABLE),
    Case("replies cut after 200 bytes", proxied(Fault(cut_after=200)), UNAVAILABLE, False),
    Case("-LOADING", _answers(b"LOADING Valkey is loading the dataset in memory"), UNAVAILABLE),
    Case("-NOAUTH", _answers(b"NOAUTH Authentication required."), UNAVAILABLE),
    Case("-MOVED", _answers(b"MOVED 1 127.0.0.1:1"), UNAVAILABLE),
    Case("-ASK", _answers(b"ASK 1 127.0.0.1:1"), UNAVAILABLE),
    Case("-READONLY to writes", _answers(b"READONLY You can't write", WRITES), None),
    Case("-OOM to writes", _answers(b"OOM command not allowed", WRITES), None),
    Case("a real replica without its primary", read_only, None),
    Case("memory really full, noeviction", out_of_memory, None),
    Case("maxclients really reached", out_of_clients, UNAVAILABLE),
    Case("a bit flipped in every value read", proxied(Fault(flips=True)), CORRUPT, False),
    Case("pages of a foreign version", damaged(of_foreign_version), CORRUPT, False),
    Case("pages cut in half", damaged(half), CORRUPT, False),
    Case("pages with a flipped bit", damaged(with_flipped_bit), CORRUPT, False),
)
