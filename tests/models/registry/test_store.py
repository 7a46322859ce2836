"""Files of any file system: there whole or not at all, and its own errors turned into ours."""

import hashlib
import io
from pathlib import Path
from typing import Any

import fsspec
import pytest

from models.manifest import FileEntry, FileMissing, FileTampered
from models.registry.errors import CacheFull, RegistryUnavailable
from models.registry.store import CHUNK_BYTES, Store, TooLong
from tests.registries import registry_of

DATA = bytes(range(256)) * (CHUNK_BYTES // 200)  # more than a chunk


@pytest.fixture
def store(kind: str, tmp_path: Path) -> Store:
    return registry_of(kind, tmp_path).store


def _entry(data: bytes) -> FileEntry:
    return FileEntry(sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data))


def test_file_reads_back_by_every_way_of_reading(store: Store, tmp_path: Path) -> None:
    store.put("a/b/c", io.BytesIO(DATA))
    assert store.read("a/b/c", len(DATA)) == DATA
    assert store.holds("a/b/c", _entry(DATA))
    store.fetch("a/b/c", tmp_path / "fetched", _entry(DATA))
    assert (tmp_path / "fetched").read_bytes() == DATA
    assert store.names("a") == ["a/b/c"]


def test_file_is_replaced_whole(store: Store) -> None:
    store.put_bytes("a/b", b"the first, which is longer")
    store.put_bytes("a/b", b"the second")
    assert store.read("a/b", 100) == b"the second"


def test_what_is_not_there_is_none_and_no_error(store: Store) -> None:
    assert store.read("a/b", 10) is None
    assert store.names("a") == []
    assert not store.holds("a/b", _entry(DATA))
    store.remove("a/b")


def test_missing_file_cannot_be_fetched(store: Store, tmp_path: Path) -> None:
    with pytest.raises(FileMissing, match="a/b"):
        store.fetch("a/b", tmp_path / "fetched", _entry(DATA))


def test_file_longer_than_its_bound_is_not_read(store: Store, tmp_path: Path) -> None:
    store.put_bytes("a", DATA)
    with pytest.raises(TooLong):
        store.read("a", len(DATA) - 1)
    with pytest.raises(FileTampered, match="longer"):
        store.fetch("a", tmp_path / "fetched", _entry(b"short"))
    assert (tmp_path / "fetched").stat().st_size == 0


def test_local_folder_that_takes_no_file_is_told_of(store: Store, tmp_path: Path) -> None:
    store.put_bytes("a", b"data")
    with pytest.raises(CacheFull, match="cannot write"):
        store.fetch("a", tmp_path / "nowhere" / "fetched", _entry(b"data"))


class Bucket:
    """A file system as an object store's: no folders to make, and a bucket that may be missing."""

    protocol = ("s3", "s3a")

    def __init__(self, is_there: bool) -> None:
        self._files: Any = fsspec.filesystem("memory")
        self._is_there = is_there

    def __getattr__(self, name: str) -> Any:
        if not self._is_there and name in ("find", "open"):
            raise FileNotFoundError("the bucket does not exist")
        return getattr(self._files, name)

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        raise AssertionError(f"{path}: this would make a bucket")


def test_no_bucket_is_made_of_a_slip_of_the_pen(tmp_path: Path) -> None:
    store = Store(Bucket(is_there=True), f"/{tmp_path.name}-bucket")
    store.put_bytes("a", b"data")
    assert store.read("a", 10) == b"data"


def test_bucket_that_is_not_there_is_unavailable() -> None:
    store = Store(Bucket(is_there=False), "/bucket")
    for attempt in (lambda: store.names("a"), lambda: store.put_bytes("a", b"data")):
        with pytest.raises(RegistryUnavailable, match="does not exist"):
            attempt()
