"""Whatever comes over the socket: no fault of ours, no connection that never ends."""

import asyncio
import contextlib
import gc
import random
from collections.abc import Iterator, Sequence

import pytest

from server.arrival import StampedProtocol
from server.listening.server import GatewayServer
from tests.server.conftest import Served
from tests.server.listening.mutations import AMBIGUOUS, CORPUS, POST, SMUGGLED, mutated, torn
from tests.server.listening.raw import GOOD, STATUS, until_ready, wire_to
from tests.server.live import live_server, settings_for, wait_until

SEEDS = (1, 2)
CASES = 120
"""Random ones of a seed."""
AT_ONCE = 60
ENDS_WITHIN_S = 15.0
PAUSE_S = 0.01


@pytest.fixture(scope="module")
def server(served: Served) -> Iterator[GatewayServer]:
    settings = settings_for(served.student, arrival_timeout_s=0.4, max_body_bytes=16_384)
    with pytest.MonkeyPatch.context() as patch, live_server(settings, keep_alive_s=1) as server:
        patch.setattr("server.listening.connection.LINGER_S", 0.2)
        until_ready(server)
        yield server


async def said_to(port: int, pieces: Sequence[bytes]) -> bytes:
    """What came back until the gateway ended the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(ENDS_WITHIN_S):
            for piece in pieces:
                writer.write(piece)
                await asyncio.sleep(PAUSE_S)
            return await reader.read(-1)
    except ConnectionError:
        return b""
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def good(port: int) -> bool:
    head, _, body = GOOD.partition(b"\r\n")
    answer = await said_to(port, [head + b"\r\nConnection: close\r\n" + body])
    return answer.startswith(b"HTTP/1.1 200 ") and b'"item_ids"' in answer


async def all_said(port: int, cases: Sequence[bytes], seed: int) -> list[bytes]:
    """One that does not end raises TimeoutError."""
    rng, at_once = random.Random(seed), asyncio.Semaphore(AT_ONCE)

    async def one(pieces: Sequence[bytes]) -> bytes:
        async with at_once:
            answer = await said_to(port, pieces)
            assert await good(port), pieces
            return answer

    return await asyncio.gather(*(one(torn(case, rng)) for case in cases))


def held(server: GatewayServer) -> int:
    """Of this server: other tests' may stand in the same process."""
    gc.collect()
    # By type: isinstance asks proxies of other libraries for their class, some of which warn.
    connections = [each for each in gc.get_objects() if type(each) is StampedProtocol]
    return sum(each.server_state is server.server_state for each in connections)


def check(server: GatewayServer, cases: Sequence[bytes], seed: int) -> None:
    port = server.servers[0].sockets[0].getsockname()[1]
    answers = asyncio.run(all_said(port, cases, seed))
    for case, answer in zip(cases, answers, strict=True):
        assert not answer or answer.startswith(b"HTTP/1.1 "), case
        assert not [status for status in STATUS.findall(answer) if status >= b"500"], (case, answer)
    wait_until(lambda: not server.server_state.connections, "all connections to end")
    wait_until(lambda: not server.server_state.tasks, "all requests to end")
    wait_until(lambda: held(server) == 0, "all memory to be given back")


def test_nothing_of_the_corpus_is_a_fault_or_stays(server: GatewayServer) -> None:
    check(server, CORPUS, seed=0)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_mutation_is_a_fault_or_stays(server: GatewayServer, seed: int) -> None:
    rng = random.Random(seed)
    check(server, [mutated(rng) for _ in range(CASES)], seed)


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_request_whose_end_is_ambiguous_is_refused_and_nothing_after_it_read(
    server: GatewayServer, name: str
) -> None:
    with wire_to(server) as wire:
        wire.send(POST + AMBIGUOUS[name] + SMUGGLED)
        said = wire.rest()
    assert STATUS.findall(said) == [b"400"], said
    assert b"smuggled" not in said
