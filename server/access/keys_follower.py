"""Takes over a file of keys whenever it changes."""

import asyncio
import logging
from pathlib import Path
from typing import Final

from server.access.door import Door
from server.access.errors import KeysInvalid
from server.access.keys_file import read_keys

LOOK_EVERY_S: Final = 1.0

log = logging.getLogger(__name__)

_Seen = tuple[int, int, int]


class KeysFollower:
    """A file that cannot be used leaves the keys as they were: a slip shuts nobody out."""

    def __init__(self, path: Path, door: Door) -> None:
        self._path = path
        self._door = door
        self._seen: _Seen | None = None

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(LOOK_EVERY_S)

    def look(self) -> None:
        """Blocking."""
        seen = _seen(self._path)
        if seen == self._seen and seen is not None:
            return
        try:
            keys = read_keys(self._path)
        except KeysInvalid as error:
            if seen != self._seen or not self._door.metrics.is_stale:
                log.error("keys stay as they were: %s", error)
            self._door.metrics.is_stale = True
        else:
            self._door.take(keys)
            self._door.metrics.is_stale = False
        self._seen = seen


def _seen(path: Path) -> _Seen | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
