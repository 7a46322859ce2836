"""From two streams to the ratio, beside groups that delete what they have done."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from redis.asyncio import Redis

from cache.events import EventFeed
from cache.keys import EVENTS_STREAM, SERVED_STREAM
from cache.redis_streams import RedisStreams
from cache.refresh.tally import Tally
from cache.refresh.worth_judge import Judged
from cache.refresh.worth_loop import WorthLoop
from cache.refresh.worth_window import AttributionWindow
from cache.served import Served, encode
from cache.watch import StreamWatch
from tests.bundles import linear_student, linear_teacher, tiny_catalogue
from tests.cache.fake_clock import FakeClock
from tests.cache.refresh.reweighted import copying, deaf
from tests.cache.refresh.worth_world import CANDIDATES, World, happenings, make_world

pytestmark = pytest.mark.redis

USERS = 60
WINDOW_MS = 60_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("worth")
    tiny_catalogue().save(folder / "catalogue.safetensors")
    return folder


class Bench:
    """A worker on a real server, and the groups that own the streams."""

    def __init__(self, client: Redis, streams: RedisStreams, world: World, limit: int) -> None:
        self.client, self.streams, self.world = client, streams, world
        self.clock, self.tally = FakeClock(), Tally("worth")
        self.window = AttributionWindow("click", WINDOW_MS, 30_000, limit)
        answers = StreamWatch(client, SERVED_STREAM, b"test")
        happenings = StreamWatch(client, EVENTS_STREAM, b"test")
        self.watches = answers, happenings
        self.loop = WorthLoop(
            answers, happenings, world.store, world.judge, self.window, self.tally,
            delay_s=2.0, clock=self.clock,
        )  # fmt: skip

    async def begin(self) -> None:
        await self.streams.ensure_group(SERVED_STREAM, b"archive")
        await self.streams.ensure_group(EVENTS_STREAM, b"ingest")
        for watch in self.watches:
            await watch.begin()

    async def serve(self, requests: list[Served]) -> None:
        """And the archive has them at once."""
        await self.streams.append(SERVED_STREAM, list(map(encode, requests)), 10_000)
        await self._own(SERVED_STREAM, b"archive")

    async def report(self, requests: list[Served]) -> None:
        """What the users did, and ingest has it at once."""
        feed = EventFeed(self.streams)
        for number, request in enumerate(requests):
            judged = self.world.judge.judge(request, None)
            assert isinstance(judged, Judged)
            await feed.append(happenings(judged, number))
        await self._own(EVENTS_STREAM, b"ingest")

    async def work(self) -> None:
        """Until all that there is has been read and has waited."""
        await self.loop.step(block_ms=0)
        self.clock.now += 5.0
        await self.loop.step(block_ms=0)

    async def _own(self, stream: bytes, group: bytes) -> None:
        messages = await self.streams.read_group(stream, group, b"one", 1000, 0)
        await self.streams.acknowledge(stream, group, [message.id for message in messages])


@pytest.fixture
async def streams(redis_url: str) -> AsyncIterator[RedisStreams]:
    streams = RedisStreams.open(redis_url)
    yield streams
    await streams.close()


async def bench_of(
    student: Path, folder: Path, client: Redis, streams: RedisStreams, limit: int = 1000
) -> Bench:
    world = await make_world(student, linear_teacher(folder), USERS)
    bench = Bench(client, streams, world, limit)
    await bench.begin()
    return bench


def later(request: Served, by_ms: int) -> Served:
    """Another request, of after everybody's window."""
    at_ms = request.timestamp_ms + by_ms
    return msgspec.structs.replace(request, timestamp_ms=at_ms, user_id="later")


@pytest.mark.parametrize("is_deaf", [False, True])
async def test_ratio_is_1_for_a_student_that_copies_the_teacher_and_0_for_a_deaf_one(
    folder: Path, client: Redis, streams: RedisStreams, is_deaf: bool
) -> None:
    student = (deaf if is_deaf else copying)(folder, linear_student(folder))
    bench = await bench_of(student, folder, client, streams)
    requests = await bench.world.served(USERS)
    await bench.serve(requests)
    await bench.report(requests)
    await bench.work()
    assert (bench.loop.sums.worth(), len(bench.window)) == ({}, USERS)
    await bench.serve([later(requests[0], WINDOW_MS + 1)])
    await bench.work()
    assert len(bench.window) == 1
    worth = bench.loop.sums.worth()
    assert worth["all"].candidates == USERS * CANDIDATES
    assert worth["tier:pair"].candidates == USERS * CANDIDATES // 2
    expected = 0.0 if is_deaf else 1.0
    found = worth["tier:pair"]
    assert (found.ratio, found.low, found.high) == pytest.approx((expected,) * 3, abs=1e-4)
    assert worth["age:0-60"].ratio is not None
    bench.loop.measure()
    levels = bench.tally.labelled["transfer_ratio", "slice"]
    assert levels["tier:pair"] == pytest.approx(expected, abs=1e-4)
    assert bench.tally.labelled["summed_candidates", "slice"]["all"] == USERS * CANDIDATES


async def test_click_that_is_there_before_its_request_still_counts(
    folder: Path, client: Redis, streams: RedisStreams
) -> None:
    bench = await bench_of(copying(folder, linear_student(folder)), folder, client, streams)
    requests = await bench.world.served(4)
    await bench.report(requests)
    await bench.loop.step(block_ms=0)
    await bench.serve(requests)
    await bench.work()
    shown = [held.shown.sum() for held in bench.window.settle(1 << 60)]
    assert shown == [CANDIDATES] * 4


async def test_event_told_a_moment_late_is_before_the_end_of_its_window(
    folder: Path, client: Redis, streams: RedisStreams
) -> None:
    bench = await bench_of(copying(folder, linear_student(folder)), folder, client, streams)
    requests = await bench.world.served(2)
    await bench.serve([*requests, later(requests[0], WINDOW_MS + 1)])
    await bench.loop.step(block_ms=0)
    bench.clock.now += 1.9
    await bench.report(requests)
    await bench.work()
    assert bench.tally.counts["requests", "settled"] == 2
    assert ("requests", "not_shown") not in bench.tally.counts


async def test_what_there_is_no_time_to_judge_is_passed_over_and_counted(
    folder: Path, client: Redis, streams: RedisStreams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cache.refresh.worth_loop.TURNS", 2)
    bench = await bench_of(copying(folder, linear_student(folder)), folder, client, streams)
    await bench.serve(await bench.world.served(USERS))
    await bench.loop.step(block_ms=0)
    counts = bench.tally.counts
    assert counts["requests", "judged"] == len(bench.window) == 32
    assert counts["requests", "no_time"] == USERS - 32


async def test_nothing_settles_while_events_are_unread(
    folder: Path, client: Redis, streams: RedisStreams, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = await bench_of(copying(folder, linear_student(folder)), folder, client, streams)
    requests = await bench.world.served(2)
    await bench.serve([*requests, later(requests[0], WINDOW_MS + 1)])
    await bench.work()
    assert bench.tally.counts["requests", "not_shown"] == 2
    monkeypatch.setattr("cache.refresh.worth_loop.MOST_EVENTS", 0)
    await bench.serve([later(requests[0], 3 * WINDOW_MS)])
    await bench.work()
    assert len(bench.window) == 2


async def test_more_than_there_is_room_for_is_passed_over_and_counted(
    folder: Path, client: Redis, streams: RedisStreams
) -> None:
    student = copying(folder, linear_student(folder))
    bench = await bench_of(student, folder, client, streams, limit=3)
    requests = await bench.world.served(5)
    stranger = msgspec.structs.replace(requests[4], version="other")
    odd = msgspec.structs.replace(requests[4], user_side={})
    await bench.serve([*requests[:4], stranger, odd])
    await streams.append(SERVED_STREAM, [b"rubbish"], 100)
    await bench.work()
    counts = {outcome: n for (name, outcome), n in bench.tally.counts.items() if name == "requests"}
    assert counts == {
        "judged": 3,
        "no_room": 1,
        "other_version": 1,
        "damaged": 1,
        "other_inputs": 1,
    }


async def test_request_that_fails_is_counted_and_ends_nothing(
    folder: Path, client: Redis, streams: RedisStreams
) -> None:
    bench = await bench_of(copying(folder, linear_student(folder)), folder, client, streams)
    requests = await bench.world.served(2)
    narrow = requests[0].user_side | {"user_number": requests[0].user_side["user_number"][:, 1:]}
    await bench.serve([msgspec.structs.replace(requests[0], user_side=narrow), requests[1]])
    await bench.loop.step(block_ms=0)
    assert bench.tally.counts["requests", "failed"] == 1
    assert bench.tally.counts["requests", "judged"] == 1


async def test_streams_are_empty_again_once_everybody_is_done(
    folder: Path, client: Redis, streams: RedisStreams
) -> None:
    bench = await bench_of(copying(folder, linear_student(folder)), folder, client, streams)
    requests = await bench.world.served(3)
    await bench.serve(requests)
    await bench.report(requests)
    await bench.work()
    for watch in bench.watches:
        await watch.end()
    await bench.serve(requests[:1])
    await bench.report(requests[:1])
    assert await streams.length(SERVED_STREAM) == 0
    assert await streams.length(EVENTS_STREAM) == 0
