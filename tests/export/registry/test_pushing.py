"""A push leaves a whole bundle or none, however it ends and however often it is begun."""

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from export.registry.pushing import Note, push
from models.manifest import MANIFEST, MODEL, SIGNATURE, FileTampered, GoldenMismatch
from models.registry import registry as registry_module
from models.registry.errors import (
    BundleUnknown,
    EntryInvalid,
    PushIncomplete,
    RegistryUnavailable,
    RegistryUrlInvalid,
    VersionTaken,
)
from models.registry.local_cache import LocalCache
from models.registry.pulling import pull
from models.registry.reference import Reference
from models.registry.registry import Registry, entry_name, file_name
from tests.registries import NOTE, failing, filled, reference_of, registry_of


def _names(registry: Registry) -> list[str]:
    return registry.store.names("bundles") + registry.store.names("index")


def test_push_is_written_once_and_read_after(kind: str, tmp_path: Path, student: Path) -> None:
    registry = registry_of(kind, tmp_path)
    first = push(registry, student, NOTE)
    assert first.written[-1] == file_name(reference_of(student), MANIFEST)
    assert len(first.written) == len(list(student.iterdir())) + 1  # and the entry
    before = _names(registry)
    assert push(registry, student, NOTE).written == ()
    assert _names(registry) == before


def test_entry_tells_who_pushed_what_when_and_why(kind: str, tmp_path: Path, student: Path) -> None:
    registry = registry_of(kind, tmp_path)
    push(registry, student, Note(1000, "alice@build", "retrained on May"))
    push(registry, student, Note(2000, "bob@build", "the same again"))
    entry = registry.entry(reference_of(student))
    told = (entry.pushed_at_ms, entry.pushed_by, entry.message)
    assert told == (1000, "alice@build", "retrained on May")
    files = [path for path in student.iterdir() if path.name != MANIFEST]
    assert entry.size_bytes == sum(path.stat().st_size for path in files)
    assert (entry.role, entry.signed_by) == ("student", None)


def test_push_interrupted_at_any_step_leaves_no_bundle_and_can_be_taken_up(
    kind: str, tmp_path: Path, student: Path
) -> None:
    registry, cache = registry_of(kind, tmp_path), LocalCache(tmp_path / "cache", 1 << 30)
    reference = reference_of(student)
    for step in count():
        fresh = registry_of(kind, tmp_path / str(step))
        try:
            push(failing(fresh, step), student, NOTE)
        except RegistryUnavailable:
            pass
        else:
            break
        assert fresh.bundles() == []
        with pytest.raises(BundleUnknown):
            pull(fresh, reference, cache)
        push(fresh, student, NOTE)
        assert [each.reference for each in fresh.bundles()] == [reference]
    assert step == 3 * (len(list(student.iterdir())) + 1)  # folder, file, rename, of each
    assert registry.bundles() == []


def test_push_taken_up_again_and_again_ends(tmp_path: Path, student: Path) -> None:
    """What one attempt wrote, the next does not write again."""
    registry, attempts = registry_of("file", tmp_path), 0
    while not registry.bundles():
        attempts += 1
        try:
            push(failing(registry, 3), student, NOTE)
        except RegistryUnavailable:
            continue
    assert attempts == len(list(student.iterdir())) + 1


def test_pushes_of_one_bundle_at_once_all_succeed(tmp_path: Path, student: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        for attempt in range(8):
            begin, folder = threading.Barrier(3), tmp_path / str(attempt)

            def pushed(
                number: int, begin: threading.Barrier = begin, folder: Path = folder
            ) -> Reference:
                begin.wait()
                note = replace(NOTE, pushed_at_ms=NOTE.pushed_at_ms + number)
                return push(registry_of("file", folder), student, note).reference

            pushes = [pool.submit(pushed, number) for number in range(3)]
            assert [each.result() for each in pushes] == [reference_of(student)] * 3
            registry = registry_of("file", folder)
            assert pull(registry, reference_of(student), LocalCache(folder / "cache", 1 << 30))
            assert not [name for name in _names(registry) if name.endswith(".tmp")]


def test_push_mends_what_was_damaged_in_the_store(kind: str, tmp_path: Path, student: Path) -> None:
    registry, reference = filled(kind, tmp_path, student), reference_of(student)
    damaged = [file_name(reference, MODEL), entry_name(reference), file_name(reference, MANIFEST)]
    for name in damaged:
        registry.store.put_bytes(name, b"damaged, and longer than an entry" * 100)
    assert list(push(registry, student, NOTE).written) == damaged
    assert registry.manifest(reference)[0].name == "student"


def test_bundle_that_a_gateway_would_refuse_is_not_pushed(tmp_path: Path, student: Path) -> None:
    folder = Path(shutil.copytree(student, tmp_path / student.name))
    (folder / MODEL).write_bytes(b"something else")
    registry = registry_of("file", tmp_path)
    with pytest.raises(FileTampered):
        push(registry, folder, NOTE)
    assert _names(registry) == []


def test_bundle_whose_golden_answers_differ_is_not_pushed(
    tmp_path: Path, student: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def differs(*_: object) -> None:
        raise GoldenMismatch("differs on this runtime")

    monkeypatch.setattr("models.runtime.check_golden", differs)
    registry = registry_of("file", tmp_path)
    with pytest.raises(GoldenMismatch):
        push(registry, student, NOTE)
    assert _names(registry) == []


@pytest.mark.parametrize(
    "note",
    [Note(1, "alice", "two\nlines"), Note(1, "alice", "x" * 501), Note(1, "\x1b[31malice")],
)
def test_note_that_would_garble_a_terminal_is_refused(
    tmp_path: Path, student: Path, note: Note
) -> None:
    registry = registry_of("file", tmp_path)
    with pytest.raises(EntryInvalid, match=r"(message|pushed_by).*nothing was pushed"):
        push(registry, student, note)
    assert _names(registry) == []


def test_store_that_loses_what_it_was_given_is_found_out(
    tmp_path: Path, student: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = registry_of("file", tmp_path)
    put = registry.store.put

    def half(name: str, source: object) -> None:
        put(name, source)  # type: ignore[arg-type]
        path = Path(f"{registry.store}/{name}")
        path.write_bytes(path.read_bytes()[:-1])

    monkeypatch.setattr(registry.store, "put", half)
    with pytest.raises(PushIncomplete, match="does not read back"):
        push(registry, student, NOTE)
    assert registry.bundles() == []


def test_another_bundle_of_the_same_version_is_not_written_over(
    tmp_path: Path, student: Path, later: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """48 bits can be made to collide; here, by a hash that does."""
    registry, reference = registry_of("file", tmp_path), reference_of(student)
    there = (later / MANIFEST).read_bytes()
    registry.store.put_bytes(file_name(reference, MANIFEST), there)
    monkeypatch.setattr("export.registry.pushing.bundle_version", lambda _: reference.version)
    with pytest.raises(VersionTaken, match="another"):
        push(registry, student, NOTE)
    assert registry.manifest_bytes(reference) == there


def test_address_that_nothing_here_reads_is_refused() -> None:
    with pytest.raises(RegistryUrlInvalid, match="nosuch"):
        Registry.open("nosuch://bucket/key")


def test_newest_of_a_name_is_found_by_it(
    kind: str, tmp_path: Path, student: Path, later: Path, teacher: Path
) -> None:
    registry = registry_of(kind, tmp_path)
    for at_ms, bundle in ((3000, teacher), (2000, student), (1000, later)):
        push(registry, bundle, Note(at_ms, "alice"))
    assert registry.find("student") == reference_of(student)
    assert registry.find(later.name) == reference_of(later)
    names = [str(each.reference) for each in registry.bundles()]
    assert names == [student.name, later.name, teacher.name]
    with pytest.raises(BundleUnknown, match="named nobody"):
        registry.find("nobody")


def test_bundle_whose_entry_is_lost_is_listed_without(tmp_path: Path, student: Path) -> None:
    registry = filled("file", tmp_path, student)
    registry.store.remove(entry_name(reference_of(student)))
    assert registry.bundles() == [registry_module.Registered(reference_of(student), None)]


def test_push_mends_an_entry_whose_signature_is_damaged_too(
    kind: str, tmp_path: Path, student: Path
) -> None:
    registry, reference = filled(kind, tmp_path, student), reference_of(student)
    registry.store.remove(entry_name(reference))
    registry.store.put_bytes(file_name(reference, SIGNATURE), b"damaged")
    push(registry, student, NOTE)
    assert registry.entry(reference).signed_by is None
