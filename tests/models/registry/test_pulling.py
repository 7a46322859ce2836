"""What comes out of a registry is what went in, or it does not come out."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from models.manifest import (
    MANIFEST,
    MODEL,
    WARMUP,
    BundleError,
    FileMissing,
    FileTampered,
    ManifestInvalid,
    PathEscapes,
)
from models.registry.errors import BundleTooLarge, BundleUnknown, RegistryUnavailable
from models.registry.local_cache import LocalCache
from models.registry.pulling import pull
from models.registry.reference import Reference
from models.registry.registry import Registry, entry_name, file_name
from models.registry.store import Store
from models.runtime import load
from tests.registries import Failing, filled, plant, reference_of, registry_of

ROOM = 64 << 20


@pytest.fixture
def cache(tmp_path: Path) -> LocalCache:
    return LocalCache(tmp_path / "cache", ROOM)


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _held(cache: LocalCache) -> list[str]:
    return sorted(path.name for path in cache.folder.iterdir() if not path.name.startswith("."))


def _is_clean(cache: LocalCache) -> bool:
    """Nothing half done is left behind."""
    return not list(cache.folder.glob(".staging-*"))


def test_pulled_bundle_is_the_one_that_was_pushed(
    kind: str, tmp_path: Path, student: Path, cache: LocalCache
) -> None:
    registry = filled(kind, tmp_path, student)
    folder = pull(registry, reference_of(student), cache)
    assert folder.name == student.name
    assert _contents(folder) == _contents(student)
    assert load(folder).version == reference_of(student).version


def test_second_pull_needs_no_registry(tmp_path: Path, student: Path, cache: LocalCache) -> None:
    folder = pull(filled("file", tmp_path, student), reference_of(student), cache)
    away = registry_of("memory", tmp_path)
    assert pull(away, reference_of(student), cache) == folder


def test_unknown_bundle_is_said_to_be_unknown(
    kind: str, tmp_path: Path, student: Path, cache: LocalCache
) -> None:
    registry = filled(kind, tmp_path, student)
    with pytest.raises(BundleUnknown, match="student-000000000000"):
        pull(registry, Reference("student", "000000000000"), cache)


def _flip(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (_flip, FileTampered),
        (lambda data: data[:-1], FileTampered),
        (lambda data: data + bytes(3 << 20), FileTampered),
        (lambda data: b"", FileTampered),
        (None, FileMissing),
    ],
    ids=["flipped", "shorter", "longer", "empty", "gone"],
)
@pytest.mark.parametrize("name", [MODEL, WARMUP])
def test_file_changed_in_the_store_is_refused(
    kind: str, tmp_path: Path, student: Path, cache: LocalCache, name: str,
    change: Callable[[bytes], bytes] | None, error: type[BundleError],
) -> None:  # fmt: skip
    registry, reference = filled(kind, tmp_path, student), reference_of(student)
    there = file_name(reference, name)
    registry.store.remove(there)
    if change is not None:
        registry.store.put_bytes(there, change((student / name).read_bytes()))
    with pytest.raises(error):
        pull(registry, reference, cache)
    assert _held(cache) == []
    assert _is_clean(cache)


def test_manifest_that_does_not_hash_to_the_version_is_refused(
    kind: str, tmp_path: Path, student: Path, later: Path, cache: LocalCache
) -> None:
    registry, reference = filled(kind, tmp_path, student), reference_of(student)
    there = file_name(reference, MANIFEST)
    registry.store.put_bytes(there, (later / MANIFEST).read_bytes())
    with pytest.raises(FileTampered, match=reference_of(later).version):
        pull(registry, reference, cache)
    registry.store.put_bytes(there, bytes(5 << 20))
    with pytest.raises(ManifestInvalid):
        pull(registry, reference, cache)


def test_bundle_under_another_name_is_refused(
    tmp_path: Path, student: Path, cache: LocalCache
) -> None:
    registry = registry_of("file", tmp_path)
    posing = reference_of(student)._replace(name="teacher")
    registry.store.put_bytes(file_name(posing, MANIFEST), (student / MANIFEST).read_bytes())
    with pytest.raises(FileTampered, match="named student"):
        pull(registry, posing, cache)


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "a\\b", "signature.json", ".hidden"])
def test_manifest_that_names_files_elsewhere_fetches_nothing(
    tmp_path: Path, student: Path, cache: LocalCache, name: str
) -> None:
    registry = filled("file", tmp_path, student)

    def escape(fields: dict[str, Any]) -> None:
        fields["files"][name] = fields["files"][WARMUP]

    reference = plant(registry, student, escape)
    with pytest.raises(PathEscapes):
        pull(registry, reference, cache)
    assert _is_clean(cache)
    assert not (tmp_path / "evil").exists()


def test_file_below_another_file_is_refused(
    tmp_path: Path, student: Path, cache: LocalCache
) -> None:
    registry = filled("file", tmp_path, student)

    def nest(fields: dict[str, Any]) -> None:
        fields["files"][f"{MODEL}/x"] = fields["files"][WARMUP]

    with pytest.raises(PathEscapes, match="below"):
        pull(registry, plant(registry, student, nest), cache)


def test_sizes_are_bounded_before_anything_is_fetched(
    tmp_path: Path, student: Path, cache: LocalCache
) -> None:
    registry, reference = filled("file", tmp_path, student), reference_of(student)
    registry.store.remove(file_name(reference, MODEL))  # so that fetching would say FileMissing
    with pytest.raises(BundleTooLarge, match="more than the 1,000"):
        pull(registry, reference, cache, max_bytes=1000)


def test_more_files_than_a_bundle_has_are_refused(
    tmp_path: Path, student: Path, cache: LocalCache
) -> None:
    registry = registry_of("file", tmp_path)

    def swell(fields: dict[str, Any]) -> None:
        fields["files"] |= {f"part-{number}": fields["files"][WARMUP] for number in range(64)}

    with pytest.raises(BundleTooLarge, match="files"):
        pull(registry, plant(registry, student, swell), cache)


def test_file_that_the_manifest_does_not_name_is_not_fetched(
    kind: str, tmp_path: Path, student: Path, cache: LocalCache
) -> None:
    registry, reference = filled(kind, tmp_path, student), reference_of(student)
    registry.store.put_bytes(file_name(reference, "payload.so"), b"nobody asked for this")
    assert "payload.so" not in _contents(pull(registry, reference, cache))


def test_damaged_entry_keeps_nobody_from_pulling(
    tmp_path: Path, student: Path, cache: LocalCache
) -> None:
    registry, reference = filled("file", tmp_path, student), reference_of(student)
    registry.store.put_bytes(entry_name(reference), b"{")
    assert pull(registry, reference, cache).is_dir()


def test_pulled_bundle_damaged_here_is_fetched_again(
    tmp_path: Path, student: Path, cache: LocalCache
) -> None:
    registry, reference = filled("file", tmp_path, student), reference_of(student)
    folder = pull(registry, reference, cache)
    (folder / MODEL).write_bytes(b"bit rot")
    assert _contents(pull(registry, reference, cache)) == _contents(student)
    assert _is_clean(cache)


def test_store_that_fails_is_unavailable_and_leaves_nothing(
    tmp_path: Path, student: Path, cache: LocalCache
) -> None:
    class Broken(Failing):
        def open(self, path: str, mode: str) -> Any:
            if path.endswith(MODEL):
                raise ConnectionError("reset by peer")
            return self._files.open(path, mode)

    registry = filled("file", tmp_path, student)
    broken = Registry(Store(Broken(registry.store._files, 0), registry.store._root))
    with pytest.raises(RegistryUnavailable, match="reset by peer"):
        pull(broken, reference_of(student), cache)
    assert _held(cache) == []
    assert _is_clean(cache)


def test_pulls_of_one_bundle_at_once_all_get_it_whole(tmp_path: Path, student: Path) -> None:
    registry, reference = filled("file", tmp_path, student), reference_of(student)
    with ThreadPoolExecutor(4) as pool:
        for attempt in range(20):  # each into a cache that none of them finds there
            begin, folder = threading.Barrier(4), tmp_path / f"cache-{attempt}"

            def pulled(begin: threading.Barrier = begin, folder: Path = folder) -> dict[str, bytes]:
                begin.wait()
                return _contents(pull(registry, reference, LocalCache(folder, ROOM)))

            pulls = [pool.submit(pulled) for _ in range(4)]
            assert [each.result() for each in pulls] == [_contents(student)] * 4


def test_nothing_but_whole_bundles_is_listed(kind: str, tmp_path: Path, student: Path) -> None:
    registry, reference = filled(kind, tmp_path, student), reference_of(student)
    version = reference.version
    for name in ("README", "x/manifest.json", f"UP/{version}/manifest.json", f"x/{version}/x"):
        registry.store.put_bytes(f"bundles/{name}", b"{}")
    assert [each.reference for each in registry.bundles()] == [reference]
