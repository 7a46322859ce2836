"""Every command, as it is typed."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from models.manifest import MODEL, FileTampered
from models.registry.errors import (
    BundleUnknown,
    ReferenceInvalid,
    SignatureInvalid,
    SignatureMissing,
)
from models.registry.registry import Registry, file_name
from tests.registries import reference_of
from understudy import build


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = f"file://{tmp_path}/registry"
    monkeypatch.setenv("UNDERSTUDY_REGISTRY", url)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache-home"))
    monkeypatch.setenv("COLUMNS", "200")
    return url


def _run(*words: object) -> Result:
    arguments = ["bundle", *map(str, words)]
    return CliRunner().invoke(build(arguments), arguments, prog_name="understudy")


def _told(*words: object) -> Any:
    done = _run(*words, "--json")
    assert done.exit_code == 0, done.output + repr(done.exception)
    return json.loads(done.stdout)


def _said(*words: object) -> str:
    done = _run(*words)
    assert done.exit_code == 0, done.output + repr(done.exception)
    return done.output


def test_folder_alone_is_verified(registry: str, student: Path) -> None:
    said = _said(student)
    assert said == _said("verify", student)
    assert f"{student.name}: a student, verified" in said
    assert "tasks    click, conversion" in said
    assert _told(student)["name"] == "student"
    assert json.loads(_said("--json", student))["name"] == "student"


def test_word_that_is_no_command_and_no_folder_is_refused(registry: str) -> None:
    done = _run("pusch")
    assert done.exit_code == 2
    assert "pusch" in done.output


def test_damaged_folder_is_refused_by_name(registry: str, tmp_path: Path, student: Path) -> None:
    folder = Path(shutil.copytree(student, tmp_path / student.name))
    (folder / MODEL).write_bytes(b"")
    done = _run("verify", folder)
    assert done.exit_code == 1
    assert "refused FileTampered" in done.output


def test_pushed_bundles_are_listed_shown_and_pulled(
    registry: str, tmp_path: Path, student: Path, teacher: Path
) -> None:
    assert _told("push", student, "--message", "first [red]try", "--by", "alice") == {
        "bundle": student.name,
        "written": _told_written(student),
        "signed_by": None,
    }
    assert "was there already" in _said("push", student)
    assert f"{teacher.name}: 5 files written" in _said("push", teacher)
    listed = _told("list")
    assert [each["bundle"] for each in listed] == [student.name, teacher.name]
    assert listed[0]["entry"]["pushed_by"] == "alice"
    assert "first [red]try" in _said("list")
    shown = _told("show", "student")
    assert shown["manifest"]["name"] == "student"
    assert "click, conversion" in _said("show", student.name)
    folder = Path(_told("pull", "student")["folder"])
    assert folder == tmp_path / "cache-home" / "understudy" / "bundles" / student.name
    assert (
        _said("pull", student.name, "--cache", tmp_path / "here").split()[0].endswith(student.name)
    )


def _told_written(bundle: Path) -> list[str]:
    reference = reference_of(bundle)
    files = [file_name(reference, name) for name in _order(bundle)]
    entry = f"index/{reference.name}/{reference.version}.json"
    return [*files, entry, file_name(reference, "manifest.json")]


def _order(bundle: Path) -> list[str]:
    return list(json.loads((bundle / "manifest.json").read_text())["files"])


def test_bundle_of_a_registry_is_verified_to_its_last_byte(registry: str, student: Path) -> None:
    _said("push", student)
    _said("pull", "student")
    assert f"{student.name}: a student, verified" in _said("verify", student.name)
    there = file_name(reference_of(student), MODEL)
    Registry.open(registry).store.put_bytes(there, b"tampered")
    done = _run("verify", student.name)
    assert done.exit_code == 1
    assert FileTampered.__name__ in done.output


def test_name_without_a_registry_is_told_of_the_option(
    monkeypatch: pytest.MonkeyPatch, student: Path
) -> None:
    monkeypatch.delenv("UNDERSTUDY_REGISTRY", raising=False)
    done = _run("verify", student.name)
    assert done.exit_code == 2
    assert "--registry" in done.output


def test_unknown_and_unreadable_names_are_refused(registry: str, student: Path) -> None:
    _said("push", student)
    assert isinstance(_run("show", "nobody").exception, BundleUnknown)
    assert isinstance(_run("show", "../etc").exception, ReferenceInvalid)
    assert isinstance(_run("pull", "student-000000000000").exception, BundleUnknown)


def test_signed_bundle_is_verified_with_the_key_and_no_other(
    registry: str, tmp_path: Path, student: Path
) -> None:
    made = _told("keys", tmp_path / "release")
    other = _told("keys", tmp_path / "other")
    assert "release.pub" in made["public"]
    assert _told("push", student, "--sign", made["private"])["signed_by"] == made["key"]
    assert "unchecked" in _said("verify", student.name)
    assert "which is trusted" in _said("verify", student.name, "--trust", made["public"])
    refused = _run("verify", student.name, "--trust", other["public"])
    assert refused.exit_code == 1
    assert SignatureInvalid.__name__ in refused.output
    assert SignatureMissing.__name__ in _run("verify", student, "--trust", made["public"]).output


def test_folder_is_signed_where_there_is_no_registry(
    registry: str, tmp_path: Path, student: Path
) -> None:
    folder = Path(shutil.copytree(student, tmp_path / student.name))
    made = _told("keys", tmp_path / "release")
    assert made["key"] in _said("sign", folder, "--key", made["private"])
    assert "which is trusted" in _said("verify", folder, "--trust", made["public"])
    assert _told("push", folder)["signed_by"] == made["key"]


def test_bundles_are_compared_wherever_they_are(registry: str, student: Path, later: Path) -> None:
    _said("push", student)
    told = _told("diff", student.name, later, "--measure", "--runs", 20)
    assert (told["a"], told["b"]) == (student.name, later.name)
    differ = {row["field"] for row in told["fields"] if row["a"] != row["b"]}
    assert differ == {"version"}
    assert told["latency"]["a"]["rows"] == told["latency"]["b"]["rows"] == 6
    assert told["latency"]["p50_b_over_a"] > 0
    said = _said("diff", student.name, later, "--measure", "--runs", 20)
    assert "latency of 20 runs in turn" in said
    assert "history length" not in said
    assert "history length" in _said("diff", student.name, later, "--all")


def test_gc_says_what_would_go_and_removes_it_when_told(
    registry: str, student: Path, later: Path
) -> None:
    _said("push", student)
    _said("push", later)
    newest, oldest = [each["bundle"] for each in _told("list")]
    assert _told("gc", "--keep", 1)["going"] == [oldest]
    assert "1 would go" in _said("gc", "--keep", 1)
    assert len(_told("list")) == 2
    assert _told("gc", "--keep", 1, "--in-use", oldest, "--yes")["going"] == []
    assert _told("gc", "--keep", 1, "--older-than-days", 1, "--yes")["going"] == []
    assert "1 are gone" in _said("gc", "--keep", 1, "--yes")
    assert [each["bundle"] for each in _told("list")] == [newest]
