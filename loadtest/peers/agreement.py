"""A server answers, and what it answers is what the model says."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import numpy as np

from loadtest.bench.sizes import IN_FLIGHT
from loadtest.connection import Answer
from loadtest.errors import LoadTestError
from loadtest.peers.errors import PeerFailed
from loadtest.peers.grpc_calls import GRPC, GrpcSender
from loadtest.peers.process import HOST, Server
from loadtest.peers.table import Peer
from loadtest.peers.target import ClosableSender, Target, http
from loadtest.peers.tensors import Case
from loadtest.peers.wires import Scores

READY_WITHIN_S: Final = 150.0
TIMEOUT_S: Final = 10.0
POLL_S: Final = 0.3
TOLERANCE: Final = 1e-5


def target_of(peer: Peer, server: Server, case: Case) -> Target:
    request = peer.wire.encode(peer.path, case.arrays)
    return Target(_connect(peer, server), [request], server.cpu_s)


def _connect(peer: Peer, server: Server) -> Callable[[], ClosableSender]:
    if peer.wire is GRPC:
        return lambda: GrpcSender(f"{HOST}:{server.grpc_port}", IN_FLIGHT)
    return http(f"http://{HOST}:{server.port}")


def wait_ready(target: Target, server: Server) -> None:
    """Until it answers the request itself. Raises PeerFailed."""
    until, said = time.monotonic() + READY_WITHIN_S, "nothing"
    while time.monotonic() < until:
        server.check_alive()
        try:
            answer = asyncio.run(_ask(target))
        except (LoadTestError, TimeoutError) as error:
            said = repr(error)
        else:
            if answer.status == 200:
                return
            said = f"{answer.status}: {answer.body[:200]!r}"
        time.sleep(POLL_S)
    raise PeerFailed(
        f"not ready after {READY_WITHIN_S:.0f} s, last answer {said}; see {server.log}"
    )


def check_scores(peer: Peer, target: Target, case: Case) -> None:
    """Raises PeerFailed."""
    answer = asyncio.run(_ask(target))
    if answer.status != 200:
        raise PeerFailed(f"{case.candidates} candidates: {answer.status}: {answer.body[:200]!r}")
    compare(peer.wire.decode(answer), case.scores)


def compare(scores: Scores, wanted: Scores) -> None:
    """Raises PeerFailed."""
    if scores.shape != wanted.shape:
        raise PeerFailed(f"scores are {list(scores.shape)}, the model's {list(wanted.shape)}")
    error = float(np.abs(scores - wanted).max())
    if not error <= TOLERANCE:
        raise PeerFailed(f"scores differ from the model's by {error:.2g}, more than {TOLERANCE:g}")


async def _ask(target: Target) -> Answer:
    async with target.sender() as sender:
        return await sender.send(target.requests[0], TIMEOUT_S)
