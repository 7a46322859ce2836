import asyncio

import numpy as np
import pytest

from loadtest.connection import Answer
from loadtest.errors import GatewayUnreachable
from loadtest.open_loop import poisson_arrivals, send_all
from loadtest.pool import Pool


class _Pool(Pool):
    """Answers each request in turn with the next status; an exception is raised instead."""

    def __init__(self, *statuses: int | Exception) -> None:
        super().__init__("http://127.0.0.1:9", 1)
        self._statuses = list(statuses)

    async def send(self, request: bytes, timeout_s: float) -> Answer:
        status = self._statuses.pop(0)
        if isinstance(status, Exception):
            raise status
        await asyncio.sleep(0)
        return Answer(status, {}, b"")


def test_arrivals_have_the_rate_and_the_spread_of_a_poisson_process() -> None:
    gaps = np.diff(poisson_arrivals(1000.0, 20.0, seed=1))
    assert gaps.mean() == pytest.approx(1e-3, rel=0.05)
    assert gaps.std() == pytest.approx(1e-3, rel=0.05)
    assert (gaps >= 0).all()


def test_same_seed_is_the_same_load() -> None:
    assert poisson_arrivals(50.0, 2.0, seed=3) == poisson_arrivals(50.0, 2.0, seed=3)
    assert poisson_arrivals(50.0, 2.0, seed=3) != poisson_arrivals(50.0, 2.0, seed=4)


async def test_whatever_is_not_a_200_has_failed() -> None:
    pool = _Pool(200, 429, GatewayUnreachable("gone"), TimeoutError(), 200)
    outcome = await send_all(pool, [b""], [0.0, 0.001, 0.002, 0.003, 0.004])
    assert (outcome.requests, outcome.failed) == (5, 3)
    assert outcome.p99_ms > 0


async def test_nothing_answered_is_never_within_a_limit() -> None:
    outcome = await send_all(_Pool(503), [b""], [0.001])
    assert outcome.p99_ms == np.inf
    assert outcome.achieved_rate == 0.0
