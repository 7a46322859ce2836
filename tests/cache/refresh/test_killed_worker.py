"""Real worker processes on a real server, killed, frozen and with a wrong clock."""

import asyncio
import signal
import subprocess
from collections.abc import Iterator

import pytest

from cache.clock import wall_clock_ms
from cache.keys import page_key
from cache.refresh.process import HUNG
from tests.bundles import NOW_MS
from tests.cache.refresh.asked import make_demand
from tests.cache.refresh.live_space import SPACE, Hired, LiveSpace
from tests.cache.refresh.started import Started
from tests.cache.refresh.waiting import until

pytestmark = pytest.mark.redis

USERS = [f"user-{number}" for number in range(6)]


@pytest.fixture
def started(redis_url: str) -> Iterator[Started]:
    started = Started(redis_url)
    yield started
    started.end()


async def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return (await asyncio.to_thread(process.stdout.readline)).strip()


async def ended(process: subprocess.Popen[str]) -> str:
    """What it said."""
    _, errors = await asyncio.to_thread(process.communicate, timeout=60.0)
    return errors


async def heir_of(space: LiveSpace) -> Hired:
    """Another worker, once it has all shards."""
    heir = Hired(space, b"heir")

    async def has_all() -> bool:
        await heir.own.tick()
        return len(heir.own.leases()) == space.shards

    await until(has_all)
    return heir


@pytest.mark.parametrize(
    ("step", "written", "settled", "expected"),
    [
        ("leased", 0, 0, {"computed": 30}),
        ("read", 0, 0, {"computed": 30}),
        ("begun", 0, 0, {"computed": 30, "recomputed": 30}),
        ("judged", 0, 0, {"computed": 30, "recomputed": 30}),
        ("written", 6, 0, {"fresh": 30}),
        ("settled", 6, 6, {"computed": 30}),
    ],
)
async def test_worker_killed_at_any_step_loses_nothing_and_counts_nothing_twice(
    space: LiveSpace,
    started: Started,
    step: str,
    written: int,
    settled: int,
    expected: dict[str, int],
) -> None:
    await space.ask(*(make_demand(user) for user in USERS))
    killed = started.odd_worker(step)
    await ended(killed)
    assert killed.returncode == -signal.SIGKILL
    assert len([user for user in USERS if await space.page(user)]) == written
    assert await space.waiting() == len(USERS) - settled
    await (await heir_of(space)).works()
    account = await space.account()
    assert (await space.waiting(), account.unsettled) == (0, 0)
    assert account.demanded == 30
    counts = account.counts()
    assert {
        name: counts[name] for name in counts if counts[name] and name != "demanded"
    } == expected
    for user in USERS:
        page = await space.page(user)
        assert page is not None
        assert len(page.pair_keys) == 5


@pytest.mark.parametrize(
    ("when", "refused"), [("freezes", '"messages.left":1'), ("freezes-late", '"pages.fenced":1')]
)
async def test_frozen_worker_whose_shards_were_taken_lands_nothing_when_it_goes_on(
    space: LiveSpace, started: Started, when: str, refused: str
) -> None:
    await space.ask(make_demand("user-1"))
    frozen = started.odd_worker(when)
    assert await first_line(frozen) == "frozen"
    await space.ask(make_demand("user-1", range(3, 9)))
    await (await heir_of(space)).works()
    before = await space.client.get(page_key("user-1", SPACE))
    assert before is not None
    frozen.send_signal(signal.SIGCONT)
    await space.ask(make_demand("user-2"))
    frozen.send_signal(signal.SIGTERM)
    assert refused in await ended(frozen)
    assert frozen.returncode == 0
    assert await space.client.get(page_key("user-1", SPACE)) == before
    account = await space.account()
    assert account.counts()["computed"] == 9
    assert await space.waiting() == 1


async def test_worker_an_hour_ahead_stamps_what_it_computes_with_the_servers_time(
    space: LiveSpace, started: Started
) -> None:
    skewed = started.odd_worker("skewed", lease_ms=5000)
    begun_ms = wall_clock_ms()
    await space.ask(make_demand("user-1"))
    await until(space.is_settled)
    other = Hired(space, b"other")

    async def has_half() -> bool:
        await other.own.tick()
        return len(other.own.leases()) == space.shards / 2

    await until(has_half)
    page = await space.page("user-1")
    assert page is not None
    waited_ms = page.computed_at_ms() - NOW_MS
    assert (waited_ms >= 0).all()
    assert (waited_ms <= wall_clock_ms() - begun_ms).all()
    skewed.terminate()
    await ended(skewed)
    assert skewed.returncode == 0


async def test_worker_whose_teacher_hangs_ends_in_time_all_the_same(
    space: LiveSpace, started: Started
) -> None:
    await space.ask(make_demand("user-1"))
    hanging = started.odd_worker("hangs")
    assert await first_line(hanging) == "judging"
    hanging.terminate()
    assert '"is_abandoned":true' in await ended(hanging)
    assert hanging.returncode == 0
    assert await space.waiting() == 1


async def test_worker_whose_teacher_hangs_ends_with_an_error_and_others_go_on_at_once(
    space: LiveSpace, started: Started
) -> None:
    await space.ask(make_demand("user-1"))
    hung = started.odd_worker("is-hung", lease_ms=3_600_000)
    said = await ended(hung)
    assert hung.returncode == HUNG
    assert "the teacher has not come back from a run" in said
    assert "let a supervisor start it again" in said
    heir = Hired(space, b"heir")
    await heir.works()
    assert len(heir.own.leases()) == space.shards
    assert await space.page("user-1") is not None
    account = await space.account()
    assert (account.unsettled, account.recomputed) == (0, 5)
