import asyncio
from collections.abc import Sequence

import pytest

from cache.errors import StoreUnavailable
from cache.shared_reads import SharedReads, Values


class Slow:
    """Answers each command when told to."""

    def __init__(self) -> None:
        self.commands: list[list[bytes]] = []
        self.may_answer = asyncio.Event()
        self.error: Exception | None = None

    async def read(self, keys: Sequence[bytes]) -> Values:
        self.commands.append(list(keys))
        await self.may_answer.wait()
        if self.error:
            raise self.error
        return [key.upper() for key in keys]


async def ticks(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def ask(reads: SharedReads, *names: str) -> list[asyncio.Task[Values]]:
    keys = [[letter.encode() for letter in name] for name in names]
    return [asyncio.create_task(reads.get_many(each)) for each in keys]


async def test_reads_that_wait_share_the_next_command() -> None:
    slow = Slow()
    reads = SharedReads(slow.read, lanes=1)
    first = ask(reads, "a")
    await ticks()
    later = ask(reads, "bc", "d", "")
    await ticks()
    slow.may_answer.set()
    assert await asyncio.gather(*first, *later) == [[b"A"], [b"B", b"C"], [b"D"], []]
    assert slow.commands == [[b"a"], [b"b", b"c", b"d"]]


async def test_first_come_is_first_served_within_the_limit() -> None:
    slow = Slow()
    reads = SharedReads(slow.read, lanes=1, limit=2)
    asked = ask(reads, "a", "b", "c", "d", "e")
    slow.may_answer.set()
    await asyncio.gather(*asked)
    assert slow.commands == [[b"a", b"b"], [b"c", b"d"], [b"e"]]


async def test_no_more_commands_than_lanes_are_under_way() -> None:
    slow = Slow()
    reads = SharedReads(slow.read, lanes=2)
    asked = []
    for name in "abcdef":
        asked += ask(reads, name)
        await ticks()
    assert slow.commands == [[b"a"], [b"b"]]
    slow.may_answer.set()
    await asyncio.gather(*asked)


async def test_failure_reaches_everyone_who_shared_it_and_nobody_else() -> None:
    slow = Slow()
    slow.error = StoreUnavailable("down")
    reads = SharedReads(slow.read, lanes=1)
    asked = ask(reads, "a", "b")
    slow.may_answer.set()
    for task in asked:
        with pytest.raises(StoreUnavailable):
            await task
    slow.error = None
    assert await reads.get_many([b"c"]) == [b"C"]


async def test_caller_that_gives_up_harms_nobody() -> None:
    slow = Slow()
    reads = SharedReads(slow.read, lanes=1)
    flying, staying = ask(reads, "a", "b")
    await ticks()
    queued_gone, queued_stays = ask(reads, "c", "d")
    await ticks()
    flying.cancel()
    queued_gone.cancel()
    await ticks()
    slow.may_answer.set()
    assert [await staying, await queued_stays] == [[b"B"], [b"D"]]
    assert slow.commands == [[b"a", b"b"], [b"d"]]


async def test_closing_cancels_whoever_waits() -> None:
    slow = Slow()
    reads = SharedReads(slow.read, lanes=1)
    asked = ask(reads, "a")
    await ticks()
    asked += ask(reads, "b")
    await ticks()
    await reads.close()
    for task in asked:
        with pytest.raises(asyncio.CancelledError):
            await task
