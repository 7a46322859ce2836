import asyncio
from pathlib import Path

import msgspec
from pydantic import SecretStr

from server.settings import Settings
from server.slow.pages import MAX_SHOWN, SlowPages
from server.slow.ring import WINDOWS
from server.slow.slow_log import SlowLog
from server.stages import StageClock
from server.workers.telling import heard
from server.workers.worker import Worker


class Kept:
    """A worker that kept a request for each of `took_ms`."""

    def __init__(self, folder: Path, number: int, count: int, *took_ms: float) -> None:
        log = SlowLog(Settings(admin_token=SecretStr("secret"), slow_kept=256))
        for each in took_ms:
            clock = StageClock()
            clock.started_ns -= int(each * 1e6)
            log.refused(clock, 504, None)
        self.pages = SlowPages(log, 60.0, Worker(folder, number, count))

    async def seen(self, most: int = 50) -> list[tuple[int | None, int]]:
        """Worker and whole seconds of each, in order."""
        told = await self.pages.page(most)
        return [(each.worker, round(each.total_ms / 1000)) for each in told.requests]


async def test_whichever_is_asked_all_are_on_the_page(tmp_path: Path) -> None:
    first, second = Kept(tmp_path, 0, 2, 1000, 4000), Kept(tmp_path, 1, 2, 3000, 2000)
    async with first.pages.telling(), second.pages.telling():
        expected = [(0, 4), (1, 3), (1, 2), (0, 1)]
        assert await first.seen() == await second.seen() == expected
        assert await first.seen(2) == expected[:2]


async def test_worker_that_is_gone_or_hangs_is_counted(tmp_path: Path) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    first = Kept(tmp_path, 0, 3, 1000)
    hung = await asyncio.start_unix_server(hang, tmp_path / "1.slow")
    async with first.pages.telling(), hung, asyncio.timeout(5.0):
        assert (await first.pages.page(50)).silent_workers == 2
        assert await first.seen() == [(0, 1)]


async def test_page_that_is_none_is_a_silent_worker(tmp_path: Path) -> None:
    async def rubbish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'{"no": "list"}')
        writer.close()

    first = Kept(tmp_path, 0, 2, 1000)
    async with first.pages.telling(), await asyncio.start_unix_server(rubbish, tmp_path / "1.slow"):
        assert (await first.pages.page(50)).silent_workers == 1


async def test_one_process_alone_has_no_number(tmp_path: Path) -> None:
    alone = SlowPages(Kept(tmp_path, 0, 1, 1000).pages._log, 60.0, None)
    async with alone.telling():
        told = await alone.page(50)
    assert (told.requests[0].worker, told.silent_workers) == (None, 0)
    assert not (tmp_path / "0.slow").exists()


async def test_no_more_is_told_than_can_be_shown(tmp_path: Path) -> None:
    full = Kept(tmp_path, 0, 2, *range(1, 12))
    log = full.pages._log
    assert log is not None
    for _ in range(WINDOWS - 1):
        log.ring.turn()
        for number in range(256):
            log.ring.add(number, log.slowest()[0])
    async with full.pages.telling():
        said = await heard(tmp_path / "0.slow")
    assert said is not None
    assert len(msgspec.json.decode(said)) == MAX_SHOWN


async def test_only_what_is_shown_is_read(tmp_path: Path) -> None:
    """A page of many workers holds the loop for what was asked for."""
    said = Kept(tmp_path, 1, 2, 3000, 2000).pages._said()
    cut = said.replace(b'"status":504', b'"status":"?"')
    whole = said[: said.index(b"},{")] + b"}," + cut[cut.index(b"},{") + 2 :]

    async def tell(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(whole)
        writer.close()

    first = Kept(tmp_path, 0, 2, 1000)
    async with first.pages.telling(), await asyncio.start_unix_server(tell, tmp_path / "1.slow"):
        assert await first.seen(1) == [(1, 3)]
        assert await first.seen() == [(1, 3), (0, 1)]  # what cannot be read ends its list
