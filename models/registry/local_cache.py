"""A folder of pulled bundles, bounded in bytes; what was asked for longest ago goes first."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from models.registry.errors import BundleTooLarge, CacheFull, CacheInvalid, ReferenceInvalid
from models.registry.reference import Reference

LOCK: Final = ".understudy-bundle-cache"
STAGING: Final = ".staging-"


class LocalCache:
    """Shared by any number of processes on a machine: one at a time changes it.

    `in_use` are never made room of. A bundle stays where it is until a later pull needs its room,
    so a cache wants room for two of the largest at least.
    """

    def __init__(
        self, folder: Path, max_bytes: int, in_use: Collection[Reference] = frozenset()
    ) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        self._in_use = frozenset(in_use)

    def path(self, reference: Reference) -> Path:
        return self.folder / str(reference)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Blocking. Raises CacheInvalid."""
        self._claim()
        with (self.folder / LOCK).open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # released by the system with the file
            self._drop_abandoned()
            yield

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """An empty folder on the same file system, gone afterwards. Under the lock."""
        folder = Path(tempfile.mkdtemp(prefix=STAGING, dir=self.folder))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def place(self, staged: Path, reference: Reference) -> Path:
        """Under the lock: what was there is not whole, or it would not have been pulled."""
        path = self.path(reference)
        self._drop(path)
        staged.chmod(0o755)
        os.replace(staged, path)
        return path

    def touch(self, reference: Reference) -> None:
        os.utime(self.path(reference))

    def make_room(self, reference: Reference, size_bytes: int) -> None:
        """Under the lock. Raises BundleTooLarge, CacheFull; then nothing was dropped."""
        if size_bytes > self.max_bytes:
            raise BundleTooLarge(
                f"{reference} has {size_bytes:,} bytes and {self.folder} may hold "
                f"{self.max_bytes:,}: allow it more"
            )
        sizes = {path: _size(path) for path in self._held() if path != self.path(reference)}
        needed = size_bytes + sum(sizes.values()) - self.max_bytes
        going = self._going(sizes, needed)
        freed = sum(sizes[path] for path in going)
        free = shutil.disk_usage(self.folder).free + freed
        if freed < needed or free < size_bytes:
            raise CacheFull(
                f"{self.folder} has no room for the {size_bytes:,} bytes of {reference} beside "
                "what is in use: allow it more, or free its disk"
            )
        for path in going:
            self._drop(path)

    def _going(self, sizes: dict[Path, int], needed: int) -> list[Path]:
        """What to drop, the longest unused first, to win that many bytes; less where there is not
        enough."""
        kept = {self.path(reference) for reference in self._in_use}
        going: list[Path] = []
        for path in sorted(sizes.keys() - kept, key=lambda path: path.stat().st_mtime_ns):
            if needed <= 0:
                break
            needed -= sizes[path]
            going.append(path)
        return going

    def _held(self) -> list[Path]:
        return [path for path in self.folder.iterdir() if path.is_dir() and _is_bundle(path.name)]

    def _claim(self) -> None:
        """A folder of somebody's own bundles is no cache: room would be made of them.

        Bundles are looked for first: those of another pull came after its lock.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._held() and not (self.folder / LOCK).exists():
            raise CacheInvalid(
                f"{self.folder} holds bundles and is no cache: name an empty folder, or a new one"
            )

    def _drop(self, path: Path) -> None:
        """Renamed first: whoever lists the cache sees it whole or not at all."""
        if path.exists():
            gone = Path(tempfile.mkdtemp(prefix=STAGING, dir=self.folder))
            os.replace(path, gone)
            shutil.rmtree(gone, ignore_errors=True)

    def _drop_abandoned(self) -> None:
        """Nobody else is at work: what is staged was left by one that was killed."""
        for path in self.folder.glob(f"{STAGING}*"):
            shutil.rmtree(path, ignore_errors=True)


def _is_bundle(name: str) -> bool:
    try:
        Reference.parse(name)
    except ReferenceInvalid:
        return False
    return True


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())
