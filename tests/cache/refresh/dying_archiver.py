"""Run as a script: an archiver that hangs at a point, as a machine that is about to die there.

`written`: every file is there, nothing is acknowledged. `between`: one file of two is there.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from typing import Any

from cache.redis_streams import RedisStreams
from cache.refresh.archive import Archive
from cache.refresh.archive_folder import ArchiveFolder
from cache.refresh.archiver import Archiver
from cache.refresh.tally import Tally


def hang(at: str) -> None:
    sys.stdout.write(f"{at}\n")
    sys.stdout.flush()
    time.sleep(600)


class DyingStreams(RedisStreams):
    async def acknowledge(self, stream: bytes, group: bytes, ids: Sequence[bytes]) -> None:
        if ids:
            hang("written")


class DyingFolder(ArchiveFolder):
    written = 0

    def write(self, hour: str, ids: Sequence[bytes], table: Any) -> int:
        if self.written:
            hang("between")
        self.written += 1
        return super().write(hour, ids, table)


async def main(url: str, to: str, point: str) -> None:
    streams = (DyingStreams if point == "written" else RedisStreams).open(url)
    folder = (DyingFolder if point == "between" else ArchiveFolder).open(to)
    tally = Tally("archive")
    archiver = Archiver(streams, b"dying", Archive(folder, tally), tally, every_s=0.0, batch=100)
    await archiver.run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
