from pathlib import Path

import pytest

from cache.refresh.serving import NotAServingFolder, student_folder, teacher_folder


def test_teacher_is_the_folder_named(tmp_path: Path) -> None:
    (tmp_path / "serving.json").write_text('{"student": "s-1", "teacher": "t-2"}')
    assert teacher_folder(tmp_path) == tmp_path / "t-2"


@pytest.mark.parametrize(
    "index", ["", "[]", '{"student": "s"}', '{"teacher": 3}', '{"teacher": "../t"}', " " * 70_000]
)
def test_index_that_names_no_teacher_is_refused(tmp_path: Path, index: str) -> None:
    (tmp_path / "serving.json").write_text(index)
    with pytest.raises(NotAServingFolder, match=r"serving\.json"):
        teacher_folder(tmp_path)


def test_missing_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotAServingFolder, match="export"):
        teacher_folder(tmp_path)


def test_student_is_the_folder_named(tmp_path: Path) -> None:
    (tmp_path / "serving.json").write_text('{"student": "s-1", "teacher": "t-2"}')
    assert student_folder(tmp_path) == tmp_path / "s-1"
    (tmp_path / "serving.json").write_text('{"teacher": "t-2"}')
    with pytest.raises(NotAServingFolder, match="names no student"):
        student_folder(tmp_path)
