import re
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.manifest import MANIFEST, SIGNATURE, PathEscapes
from models.registry.errors import ReferenceInvalid
from models.registry.file_names import check_file_name
from models.registry.reference import NAME, VERSION, Reference, is_name

NASTY = st.text(st.sampled_from("./\\~:ab-_ \0\n*é%"), max_size=30)


@given(st.from_regex(NAME, fullmatch=True), st.from_regex(VERSION, fullmatch=True))
def test_every_reference_reads_back(name: str, version: str) -> None:
    reference = Reference(name, version)
    assert Reference.parse(str(reference)) == reference


@given(st.one_of(st.text(max_size=90), NASTY))
def test_text_is_a_reference_that_prints_as_it_or_is_refused(text: str) -> None:
    try:
        reference = Reference.parse(text)
    except ReferenceInvalid:
        return
    assert str(reference) == text
    assert set(text) <= set(string.ascii_lowercase + string.digits + "_-")


@pytest.mark.parametrize(
    "text", ["", "student", "student-12345678901", "Student-123456789abc", "../x-123456789abc",
             "student-123456789ABC", "student-123456789abc\n", "student-123456789abc/.."],
)  # fmt: skip
def test_what_is_no_reference_is_refused_with_what_to_give(text: str) -> None:
    with pytest.raises(ReferenceInvalid, match="give NAME-VERSION"):
        Reference.parse(text)


def test_name_alone_is_a_name_and_no_path_is() -> None:
    assert is_name("student_v2")
    assert not is_name("../student")


@given(st.one_of(NASTY, st.text(max_size=40)))
def test_file_name_that_passes_stays_below_its_folder(name: str) -> None:
    try:
        check_file_name(name)
    except PathEscapes:
        return
    folder = Path("/a/bundle")
    assert (folder / name).resolve().is_relative_to(folder)
    assert (folder / name).resolve() != folder
    assert not any(part.startswith(".") for part in name.split("/"))
    assert re.fullmatch(r"[\w./-]+", name, re.ASCII)


@pytest.mark.parametrize(
    "name",
    [MANIFEST, SIGNATURE, "", ".", "..", "/etc/passwd", "../x", "a/../../x", "a//b", "a/", "a\\b",
     ".hidden", "C:x", "a\0b", "x" * 256],
)  # fmt: skip
def test_file_name_that_escapes_or_is_taken_is_refused(name: str) -> None:
    with pytest.raises(PathEscapes):
        check_file_name(name)


def test_files_that_exports_write_are_allowed() -> None:
    for name in ("model.onnx", "golden.safetensors", "warmup.json", "engine/sm_90.plan"):
        check_file_name(name)
