"""Real processes on a real server: what an archiver that is killed leaves, and its heir makes."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from cache.keys import SERVED_STREAM
from cache.redis_streams import RedisStreams
from cache.refresh.archiver import GROUP
from cache.served import encode
from tests.cache.refresh.archived import files_of, requests_of, rows_of
from tests.cache.served_requests import assert_same, make_served

pytestmark = pytest.mark.redis

REPO = Path(__file__).parents[3]
DEADLINE_S = 30.0
HOUR_MS = 3_600_000
REQUESTS = [
    make_served(3, request_id=f"r-{number}", seed=number, timestamp_ms=number % 2 * HOUR_MS)
    for number in range(7)
]
ARCHIVE = "from cache.refresh.archive_command import archive; import typer; typer.run(archive)"


class Started:
    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.processes: list[subprocess.Popen[str]] = []

    def dying(self, point: str) -> subprocess.Popen[str]:
        script = "tests/cache/refresh/dying_archiver.py"
        return self._start(script, self.url, str(self.folder), point)

    def archive(self, *options: str) -> subprocess.Popen[str]:
        return self._start("-c", ARCHIVE, "--to", str(self.folder), *options)

    def _start(self, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=REPO,
            env=os.environ | {"UNDERSTUDY_REDIS_URL": self.url, "PYTHONPATH": str(REPO)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process


@pytest.fixture
def started(redis_url: str, tmp_path: Path) -> Iterator[Started]:
    started = Started(redis_url, tmp_path / "archive")
    yield started
    for process in started.processes:
        process.kill()
        process.communicate()


@pytest.fixture
async def streams(redis_url: str) -> AsyncIterator[RedisStreams]:
    """With every request in it."""
    streams = RedisStreams.open(redis_url)
    await streams.append(SERVED_STREAM, [encode(request) for request in REQUESTS], 1000)
    yield streams
    await streams.close()


async def until(is_true: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not await is_true():
        assert time.monotonic() < deadline, "did not come true in time"
        await asyncio.sleep(0.01)


def check_whole(folder: Path) -> None:
    """Every request's every row, once, and as it was served."""
    rows = rows_of(folder)
    counted = Counter(zip(rows["request_id"], rows["candidate"], strict=True))
    wanted = {(request.request_id, candidate) for request in REQUESTS for candidate in range(3)}
    assert counted == Counter(wanted)
    held = {request.request_id: request for request in requests_of(folder)}
    for request in REQUESTS:
        assert_same(held[request.request_id], request)


@pytest.mark.parametrize(("point", "files"), [("written", 2), ("between", 1)])
async def test_archiver_killed_before_it_acknowledges_leaves_no_row_twice(
    started: Started, streams: RedisStreams, point: str, files: int
) -> None:
    dying = started.dying(point)
    assert dying.stdout is not None
    assert await asyncio.to_thread(dying.stdout.readline) == f"{point}\n"
    assert len(files_of(started.folder)) == files
    assert await streams.pending(SERVED_STREAM, GROUP) == len(REQUESTS)
    dying.send_signal(signal.SIGKILL)
    dying.communicate()
    # The heir gets other batches than the dead had.
    started.archive("--claim-after-ms", "50", "--every-s", "0.1", "--batch-messages", "3")

    async def is_settled() -> bool:
        return await streams.length(SERVED_STREAM) == 0

    await until(is_settled)
    check_whole(started.folder)


async def test_signal_ends_an_archiver_in_order(started: Started, streams: RedisStreams) -> None:
    process = started.archive("--batch-messages", "7")

    async def is_written() -> bool:
        return await streams.length(SERVED_STREAM) == 0

    await until(is_written)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=DEADLINE_S)
    said = [json.loads(line) for line in errors.splitlines()]
    assert process.returncode == 0
    assert [line["message"] for line in said] == ["archive started", "archive stopped"]
    assert said[1]["requests.archived"] == len(REQUESTS)
    assert said[1]["rows.written"] == 3 * len(REQUESTS)
    assert said[1]["files.written"] == 2
    check_whole(started.folder)
