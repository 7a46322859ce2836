"""A cache holds what fits, and what is in use whatever comes."""

import os
from pathlib import Path

import pytest

from models.registry.errors import BundleTooLarge, CacheFull, CacheInvalid
from models.registry.local_cache import LOCK, LocalCache
from models.registry.pulling import pull
from models.registry.registry import Registry
from tests.registries import filled, reference_of


@pytest.fixture
def registry(tmp_path: Path, student: Path, later: Path, teacher: Path) -> Registry:
    return filled("file", tmp_path, student, later, teacher)


def _size(*bundles: Path) -> int:
    return sum(path.stat().st_size for bundle in bundles for path in bundle.iterdir())


def _held(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_dir()}


def test_oldest_bundle_makes_room(
    tmp_path: Path, registry: Registry, student: Path, later: Path, teacher: Path
) -> None:
    cache = LocalCache(tmp_path / "cache", _size(student, later, teacher) - 1)
    for place, bundle in enumerate((student, later)):
        os.utime(pull(registry, reference_of(bundle), cache), (place, place))
    pull(registry, reference_of(teacher), cache)
    assert _held(cache.folder) == {later.name, teacher.name}


def test_bundle_asked_for_again_is_not_the_oldest(
    tmp_path: Path, registry: Registry, student: Path, later: Path, teacher: Path
) -> None:
    cache = LocalCache(tmp_path / "cache", _size(student, later, teacher) - 1)
    for place, bundle in enumerate((student, later)):
        os.utime(pull(registry, reference_of(bundle), cache), (place, place))
    pull(registry, reference_of(student), cache)
    pull(registry, reference_of(teacher), cache)
    assert _held(cache.folder) == {student.name, teacher.name}


def test_bundle_in_use_stays_and_the_pull_is_refused(
    tmp_path: Path, registry: Registry, student: Path, teacher: Path
) -> None:
    folder, room = tmp_path / "cache", _size(student, teacher) - 1
    pull(registry, reference_of(student), LocalCache(folder, room))
    with pytest.raises(CacheFull, match="in use"):
        pull(registry, reference_of(teacher), LocalCache(folder, room, [reference_of(student)]))
    assert _held(folder) == {student.name}


def test_refused_pull_drops_nothing(
    tmp_path: Path, registry: Registry, student: Path, later: Path, teacher: Path
) -> None:
    """Not even what would have been dropped had it been enough."""
    folder = tmp_path / "cache"
    for bundle in (student, later):
        pull(registry, reference_of(bundle), LocalCache(folder, 1 << 30))
    cache = LocalCache(folder, _size(teacher), [reference_of(later)])
    with pytest.raises(CacheFull):
        pull(registry, reference_of(teacher), cache)
    assert _held(folder) == {student.name, later.name}


def test_bundle_larger_than_the_cache_is_refused(
    tmp_path: Path, registry: Registry, student: Path
) -> None:
    with pytest.raises(BundleTooLarge, match="allow it more"):
        pull(registry, reference_of(student), LocalCache(tmp_path / "cache", _size(student) - 1))


def test_disk_without_room_is_told_before_anything_is_fetched(
    tmp_path: Path, registry: Registry, student: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage:
        free = 10

    monkeypatch.setattr("models.registry.local_cache.shutil.disk_usage", lambda _: Usage)
    with pytest.raises(CacheFull):
        pull(registry, reference_of(student), LocalCache(tmp_path / "cache", 1 << 30))


def test_folder_of_somebodys_own_bundles_is_no_cache(registry: Registry, student: Path) -> None:
    before = _held(student.parent)
    with pytest.raises(CacheInvalid, match="is no cache"):
        pull(registry, reference_of(student), LocalCache(student.parent, 1))
    assert _held(student.parent) == before


def test_what_a_killed_pull_left_is_dropped_by_the_next(
    tmp_path: Path, registry: Registry, student: Path
) -> None:
    cache = LocalCache(tmp_path / "cache", 1 << 30)
    (cache.folder / ".staging-abandoned").mkdir(parents=True)
    (cache.folder / ".staging-abandoned" / "model.onnx").write_bytes(bytes(1000))
    pull(registry, reference_of(student), cache)
    assert {path.name for path in cache.folder.iterdir()} == {LOCK, student.name}
