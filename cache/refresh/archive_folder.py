"""Where served requests end up: Parquet files by hour, in a folder or a bucket."""

import io
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Final, Self

import fsspec
import polars as pl

from cache.errors import CacheError, StoreUnavailable

_NAME: Final = re.compile(r"part-(\d+)-(\d+)-(\d+)-(\d+)\.parquet$")
FORMAT: Final = {"understudy.served": "1"}


class ArchiveUnavailable(StoreUnavailable):
    """The folder cannot be read or written now: a full disk, a bucket that is away."""


class ArchiveUrlInvalid(CacheError):
    """No file system is known by this address, or its package is not installed."""


class ArchiveFolder:
    """`<root>/date=YYYY-MM-DD/hour=HH/part-<first id>-<last id>.parquet`, hours in UTC.

    A file is there whole or not at all: it is written beside under a name that no reader of
    Parquet looks at, and renamed. Its name and its column stream_id say what it holds. Blocking.
    """

    def __init__(self, files: Any, root: str) -> None:
        self._files = files  # fsspec ships no types
        self._root = root.rstrip("/")

    @classmethod
    def open(cls, url: str) -> Self:
        """A path, or what fsspec knows: s3://…, gs://…, abfs://…. Raises ArchiveUrlInvalid."""
        try:
            return cls(*fsspec.core.url_to_fs(url))
        except (ImportError, ValueError) as error:
            raise ArchiveUrlInvalid(
                f"--to {url}: {error}: give a folder, or install the file system's package"
            ) from error

    def held(self, hour: str, ids: Sequence[bytes]) -> set[bytes]:
        """Which of these are in a file of that hour already."""
        wanted = {id_.decode() for id_ in ids}
        first, last = _ends(ids)
        found: set[str] = set()
        with _unavailable_when_failing("read", self._root):
            for path in self._parts(hour):
                if _may_hold(path, first, last):
                    found |= wanted & self._ids(path)
        return {id_.encode() for id_ in found}

    def write(self, hour: str, ids: Sequence[bytes], table: pl.DataFrame) -> int:
        """The size of the file in bytes."""
        data = io.BytesIO()
        table.write_parquet(data, compression="zstd", metadata=FORMAT)
        folder, name = f"{self._root}/{hour}", _name(ids)
        beside = f"{folder}/.{name}.{secrets.token_hex(4)}.tmp"
        with _unavailable_when_failing("write", self._root):
            self._files.makedirs(folder, exist_ok=True)
            with self._files.open(beside, "wb") as file:
                file.write(data.getbuffer())
                _to_disk(file)
            self._files.mv(beside, f"{folder}/{name}")
        return data.getbuffer().nbytes

    def _parts(self, hour: str) -> list[str]:
        folder = f"{self._root}/{hour}"
        self._files.invalidate_cache(folder)
        try:
            return [str(path) for path in self._files.ls(folder, detail=False)]
        except FileNotFoundError:
            return []

    def _ids(self, path: str) -> set[str]:
        with self._files.open(path, "rb") as file:
            return set(pl.read_parquet(file, columns=["stream_id"])["stream_id"].unique())


def hour_of(timestamp_ms: int) -> str:
    """The folder of that hour. Raises ValueError or OverflowError for a time that is no date."""
    return f"{datetime.fromtimestamp(timestamp_ms // 1000, UTC):date=%Y-%m-%d/hour=%H}"


def numbered(id_: bytes) -> tuple[int, int]:
    """A stream's id as what orders it."""
    time_ms, _, ordinal = id_.partition(b"-")
    return int(time_ms), int(ordinal)


def _ends(ids: Sequence[bytes]) -> tuple[tuple[int, int], tuple[int, int]]:
    numbers = [numbered(id_) for id_ in ids]
    return min(numbers), max(numbers)


def _name(ids: Sequence[bytes]) -> str:
    first, last = _ends(ids)
    return "part-{}-{}-{}-{}.parquet".format(*first, *last)


def _may_hold(path: str, first: tuple[int, int], last: tuple[int, int]) -> bool:
    named = _NAME.search(path)
    if named is None:
        return False
    begin_ms, begin, end_ms, end = map(int, named.groups())
    return (begin_ms, begin) <= last and first <= (end_ms, end)


def _to_disk(file: Any) -> None:
    """What is acknowledged outlives a loss of power; other file systems see to that themselves."""
    file.flush()
    with suppress(io.UnsupportedOperation):
        os.fsync(file.fileno())


@contextmanager
def _unavailable_when_failing(action: str, root: str) -> Iterator[None]:
    """Whatever a file system raises: each has errors of its own, and none may cost a message."""
    try:
        yield
    except Exception as error:
        raise ArchiveUnavailable(
            f"cannot {action} {root}: {type(error).__name__}: {error}: "
            "is there room, and may this process write there?"
        ) from error
