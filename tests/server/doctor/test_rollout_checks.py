"""A rollout on a real board, as it looks when it does not go on."""

from collections.abc import AsyncIterator

import pytest

from cache.connection import connect
from cache.rollout_board import RolloutBoard
from server.doctor import rollout_checks
from server.doctor.finding import Finding
from server.rollout.presence import Presence
from server.rollout.state import State
from tests.server.doctor.subjects import of_redis
from tests.server.loaded_cache import clear

pytestmark = pytest.mark.redis


class Rollout:
    """Of the one gateway `g`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.client = connect(url)
        self.board = RolloutBoard(self.client, "student")

    async def begin(self) -> int:
        state = State(candidate="/new", rollout="r1", stage="verifying")
        assert await self.board.replace(0, state.encode(), b"{}")
        return 1

    async def follow(self, revision: int, state: str = "warm", detail: str = "") -> None:
        held = await self.board.read()
        told = Presence(held.now_ms, revision, candidate_state=state, detail=detail, host="h")  # type: ignore[arg-type]
        await self.board.present("g", told.encode(), {}, "t")

    async def lead(self) -> None:
        assert await self.board.lead(b"g", 60_000)

    async def finding(self) -> Finding:
        return (await of_redis(self._url, "rollout"))[0]


@pytest.fixture
async def rollout(redis_url: str) -> AsyncIterator[Rollout]:
    clear(redis_url)
    rollout = Rollout(redis_url)
    yield rollout
    await rollout.client.aclose()


async def test_no_rollout_is_well(rollout: Rollout) -> None:
    assert (await rollout.finding()) == Finding("ok", "student: no rollout runs (idle)")


async def test_rollout_that_nobody_leads_is_a_failure(rollout: Rollout) -> None:
    await rollout.follow(await rollout.begin())
    finding = await rollout.finding()
    assert finding.verdict == "fail"
    assert "in verifying and nobody decides on it" in finding.found
    await rollout.lead()
    assert (await rollout.finding()).verdict == "ok"


async def test_gateway_that_does_not_follow_is_a_failure(
    rollout: Rollout, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rollout.follow(await rollout.begin() - 1)
    await rollout.lead()
    assert (await rollout.finding()).verdict == "ok"  # it has only just changed
    monkeypatch.setattr(rollout_checks, "SETTLED_MS", 0)
    finding = await rollout.finding()
    assert finding.verdict == "fail"
    assert "1 gateways do not follow, first h, process 0 at revision 0" in finding.found


async def test_candidate_that_cannot_be_opened_is_a_failure(rollout: Rollout) -> None:
    await rollout.follow(await rollout.begin(), "failed", "no such folder")
    await rollout.lead()
    finding = await rollout.finding()
    assert (finding.verdict, "no such folder" in finding.found) == ("fail", True)


async def test_rollout_that_stands_for_long_is_a_warning(
    rollout: Rollout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollout_checks, "LONG_MS", -1)
    await rollout.follow(await rollout.begin())
    await rollout.lead()
    finding = await rollout.finding()
    assert (finding.verdict, "has not moved in verifying" in finding.found) == ("warn", True)


async def test_state_that_cannot_be_read_is_a_failure(rollout: Rollout) -> None:
    assert await rollout.board.replace(0, b"rubbish", b"{}")
    finding = await rollout.finding()
    assert (finding.verdict, "cannot be read" in finding.found) == ("fail", True)
