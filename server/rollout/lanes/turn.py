"""One bundle at a time is tried and opened on a machine: each asks for memory that is there."""

import asyncio
import fcntl
import logging
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

POLL_S: Final = 0.1
log = logging.getLogger(__name__)


@asynccontextmanager
async def turn(path: Path | None = None) -> AsyncIterator[None]:
    """Among the processes of one user; the system gives it back for one that dies. Where nothing
    can be written nobody waits."""
    path = path or Path(tempfile.gettempdir()) / f"understudy-trial-{os.getuid()}.lock"
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        log.warning("bundles are tried without waiting for other processes: %s", error)
        yield
        return
    try:
        await _until_taken(file)
        yield
    finally:
        os.close(file)


async def _until_taken(file: int) -> None:
    while True:
        if _taken(file):
            return
        await asyncio.sleep(POLL_S)


def _taken(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
