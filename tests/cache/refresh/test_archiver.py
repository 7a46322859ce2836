"""When the archiver reads, and what it leaves in the stream."""

from pathlib import Path

import msgspec
import pytest

from cache.errors import StoreUnavailable
from cache.keys import DEAD_STREAM, SERVED_STREAM
from cache.memory_streams import MemoryStreams
from cache.refresh.archive import Archive
from cache.refresh.archive_folder import ArchiveFolder
from cache.refresh.archiver import GROUP, Archiver
from cache.refresh.tally import Tally
from cache.served import encode
from cache.streams import START
from tests.cache.fake_clock import FakeClock
from tests.cache.refresh.archived import files_of, rows_of
from tests.cache.served_requests import make_served


class Archiving:
    """Files of three requests, or of fewer after ten seconds."""

    def __init__(self, folder: Path, like: "Archiving | None" = None) -> None:
        self.clock: FakeClock = like.clock if like else FakeClock()
        self.streams: MemoryStreams = like.streams if like else MemoryStreams(self.clock)
        self.folder = folder
        self.tally = Tally("archive")
        self.archiver = Archiver(
            self.streams, b"heir" if like else b"one",
            Archive(ArchiveFolder.open(str(folder)), self.tally), self.tally,
            batch=3, every_s=10.0, claim_after_ms=1000, poll_s=0.0, clock=self.clock,
        )  # fmt: skip

    async def send(self, *request_ids: str) -> None:
        bodies = [encode(make_served(2, request_id=request_id)) for request_id in request_ids]
        await self.streams.append(SERVED_STREAM, bodies, 1000)

    def kept(self) -> list[str]:
        rows = rows_of(self.folder)
        return sorted(rows["request_id"].to_list()[::2])

    async def left(self) -> tuple[int, int]:
        pending = await self.streams.pending(SERVED_STREAM, GROUP)
        return await self.streams.length(SERVED_STREAM), pending


@pytest.fixture
def archiving(tmp_path: Path) -> Archiving:
    return Archiving(tmp_path / "archive")


async def test_too_few_for_a_file_wait_in_the_stream(archiving: Archiving) -> None:
    await archiving.send("a", "b")
    assert await archiving.archiver.step() == 0
    assert await archiving.left() == (2, 0)
    await archiving.send("c", "d")
    assert await archiving.archiver.step() == 3
    assert archiving.kept() == ["a", "b", "c"]
    assert await archiving.left() == (1, 0)


async def test_few_are_written_once_they_have_waited_long_enough(archiving: Archiving) -> None:
    await archiving.send("a")
    assert await archiving.archiver.step() == 0
    archiving.clock.now += 10.0
    assert await archiving.archiver.step() == 1
    assert archiving.kept() == ["a"]


async def test_wait_begins_with_the_first_request_not_with_the_last_file(
    archiving: Archiving,
) -> None:
    await archiving.archiver.step()
    archiving.clock.now += 1000.0
    assert await archiving.archiver.step() == 0
    await archiving.send("a")
    assert await archiving.archiver.step() == 0
    archiving.clock.now += 10.0
    assert await archiving.archiver.step() == 1


async def test_nothing_is_acknowledged_before_its_file_is_there(
    archiving: Archiving, monkeypatch: pytest.MonkeyPatch
) -> None:
    await archiving.send("a", "b", "c")
    archiving.folder.write_text("a file stands in the way")
    with pytest.raises(StoreUnavailable):
        await archiving.archiver.step()
    assert await archiving.left() == (3, 3)
    archiving.folder.unlink()
    assert await archiving.archiver.step() == 3
    assert archiving.kept() == ["a", "b", "c"]
    assert await archiving.left() == (0, 0)


async def test_acknowledgement_that_failed_leaves_no_row_twice(
    archiving: Archiving, monkeypatch: pytest.MonkeyPatch
) -> None:
    await archiving.send("a", "b", "c")
    with monkeypatch.context() as patched:

        async def fails(stream: bytes, group: bytes, ids: list[bytes]) -> None:
            raise StoreUnavailable("down")

        patched.setattr(archiving.streams, "acknowledge", fails)
        with pytest.raises(StoreUnavailable):
            await archiving.archiver.step()
    assert await archiving.archiver.step() == 3
    assert archiving.kept() == ["a", "b", "c"]
    assert await archiving.left() == (0, 0)


async def test_heir_of_a_dead_member_writes_what_it_had_not(
    archiving: Archiving, tmp_path: Path
) -> None:
    await archiving.send("a", "b", "c")
    archiving.folder.write_text("a file stands in the way")
    with pytest.raises(StoreUnavailable):
        await archiving.archiver.step()
    archiving.folder.unlink()
    archiving.clock.now += 1.0
    heir = Archiving(tmp_path / "archive", like=archiving)
    assert await heir.archiver.step() == 3
    assert heir.kept() == ["a", "b", "c"]


async def test_damaged_request_and_impossible_time_are_buried(archiving: Archiving) -> None:
    timeless = msgspec.structs.replace(make_served(2), timestamp_ms=1 << 62)
    await archiving.streams.append(SERVED_STREAM, [b"rubbish", encode(timeless)], 1000)
    await archiving.send("a")
    assert await archiving.archiver.step() == 3
    letters = await archiving.streams.read_after(DEAD_STREAM, START, 10, 0)
    assert len(letters) == 2
    assert archiving.kept() == ["a"]
    assert len(files_of(archiving.folder)) == 1
