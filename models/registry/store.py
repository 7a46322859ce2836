"""Files below one address, each there whole or not at all. The only importer of fsspec here."""

import hashlib
import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Final, Self

import fsspec

from models.manifest import FileEntry, FileMissing, FileTampered
from models.registry.errors import (
    CacheFull,
    RegistryError,
    RegistryUnavailable,
    RegistryUrlInvalid,
)

CHUNK_BYTES: Final = 1 << 20
TEMPORARY: Final = ".tmp"
_OF_BUCKETS: Final = frozenset(("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az"))
"""Where a folder needs no making, and making one would make a bucket of a slip of the pen."""


class TooLong(RegistryError):
    """A file is longer than what may be read of it."""


class Store:
    """A folder, or a bucket of any file system of fsspec. Names are relative to it. Blocking."""

    def __init__(self, files: Any, root: str) -> None:
        self._files = files  # fsspec ships no types
        self._root = root.rstrip("/")
        protocols = (files.protocol,) if isinstance(files.protocol, str) else files.protocol
        self._has_folders = _OF_BUCKETS.isdisjoint(protocols)

    @classmethod
    def open(cls, url: str) -> Self:
        """Raises RegistryUrlInvalid."""
        try:
            return cls(*fsspec.core.url_to_fs(url))
        except (ImportError, ValueError) as error:
            raise RegistryUrlInvalid(
                f"registry {url}: {error}: give a folder, or install the file system's package"
            ) from error

    def __str__(self) -> str:
        return self._root or "/"

    def names(self, below: str) -> list[str]:
        """Of all files there, in order; what is being written counts too."""
        with self._unavailable_when_failing("list", below):
            self._files.invalidate_cache()
            found = self._files.find(self._path(below))
        return sorted(str(path).removeprefix(f"{self._root}/") for path in found)

    def read(self, name: str, max_bytes: int) -> bytes | None:
        """None where there is no such file. Raises TooLong."""
        try:
            with self._reading(name) as file:
                data = bytes(file.read(max_bytes + 1))
        except FileNotFoundError:
            return None
        if len(data) > max_bytes:
            raise TooLong(f"{self}/{name} is longer than {max_bytes:,} bytes")
        return data

    def put(self, name: str, source: BinaryIO) -> None:
        """Written beside it under a name that nobody reads, and renamed."""
        folder, _, last = self._path(name).rpartition("/")
        beside = f"{folder}/.{last}.{secrets.token_hex(4)}{TEMPORARY}"
        with self._unavailable_when_failing("write", name):
            if self._has_folders:
                self._files.makedirs(folder, exist_ok=True)
            with self._files.open(beside, "wb") as file:
                for chunk in _chunks(source):
                    file.write(chunk)
                _to_disk(file)
            self._files.mv(beside, f"{folder}/{last}")

    def put_bytes(self, name: str, data: bytes) -> None:
        self.put(name, io.BytesIO(data))

    def holds(self, name: str, entry: FileEntry) -> bool:
        """Whether the file is there with that size and hash; reads all of it, and no more."""
        try:
            return self._digest(name, entry.size_bytes) == entry.sha256
        except (FileMissing, FileTampered):
            return False

    def fetch(self, name: str, path: Path, entry: FileEntry) -> None:
        """Stops where it goes on past its size. Raises FileMissing, FileTampered, CacheFull."""
        try:
            with path.open("xb") as local:
                for chunk in self._bounded(name, entry.size_bytes):
                    local.write(chunk)
        except OSError as error:
            raise CacheFull(f"cannot write {path}: {error}: is there room?") from error

    def modified_ms(self, name: str) -> int:
        """When the file was written, by the clock of the file system."""
        with self._unavailable_when_failing("look at", name):
            return int(self._files.modified(self._path(name)).timestamp() * 1000)

    def remove(self, name: str) -> None:
        """A file, or a folder with all that is in it. One that is gone already is no error."""
        with (
            suppress(FileNotFoundError),
            self._unavailable_when_failing("remove", name, (FileNotFoundError,)),
        ):
            self._files.rm(self._path(name), recursive=True)

    def _digest(self, name: str, size: int) -> str:
        digest = hashlib.sha256()
        for chunk in self._bounded(name, size):
            digest.update(chunk)
        return digest.hexdigest()

    def _bounded(self, name: str, size: int) -> Iterator[bytes]:
        try:
            with self._reading(name) as file:
                for chunk in _chunks(file):
                    size -= len(chunk)
                    if size < 0:
                        raise FileTampered(f"{self}/{name} is longer than its manifest says")
                    yield chunk
        except FileNotFoundError as error:
            raise FileMissing(f"{self}/{name} is named by its manifest and missing") from error

    @contextmanager
    def _reading(self, name: str) -> Iterator[Any]:
        with self._unavailable_when_failing("read", name, (FileNotFoundError, FileTampered)):
            self._files.invalidate_cache()  # of sizes and listings, which others may have changed
            with self._files.open(self._path(name), "rb") as file:
                yield file

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    @contextmanager
    def _unavailable_when_failing(
        self, action: str, name: str, passes: tuple[type[Exception], ...] = ()
    ) -> Iterator[None]:
        """Whatever a file system raises: each has errors of its own."""
        try:
            yield
        except passes:
            raise
        except Exception as error:
            raise RegistryUnavailable(
                f"cannot {action} {self}/{name}: {type(error).__name__}: {error}: is the registry "
                "there, and may this process use it?"
            ) from error


def _chunks(file: Any) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_BYTES):
        yield bytes(chunk)


def _to_disk(file: Any) -> None:
    """A bundle that exists outlives a loss of power; object stores see to that themselves."""
    file.flush()
    with suppress(io.UnsupportedOperation, AttributeError):
        os.fsync(file.fileno())
