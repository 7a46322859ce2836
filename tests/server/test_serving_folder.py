import json
from pathlib import Path

import pytest

from server.serving_folder import ServingFolderInvalid, open_serving_folder
from tests.bundles import SPACE, linear_student, linear_teacher


def _folder(path: Path, space: str = SPACE, **index: object) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    student, teacher = linear_student(path, space=space), linear_teacher(path)
    names = {"student": student.name, "teacher": teacher.name} | index
    (path / "serving.json").write_text(json.dumps(names))
    return path


def test_serving_folder_opens_by_itself_and_inside_a_demo(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "serving")
    for path in (folder, tmp_path):
        opened = open_serving_folder(path)
        assert opened.student == next(folder.glob("student-*"))
        assert opened.catalogue == folder / "catalogue.safetensors"


def test_folder_without_an_index_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ServingFolderInvalid, match=r"understudy export"):
        open_serving_folder(tmp_path)


@pytest.mark.parametrize("name", ["gone-1", "", "../..", 7, None])
def test_index_that_names_no_bundle_is_refused(tmp_path: Path, name: object) -> None:
    with pytest.raises(ServingFolderInvalid, match="student"):
        open_serving_folder(_folder(tmp_path, student=name))


@pytest.mark.parametrize("text", ["{", "[]", '"student"'])
def test_index_that_is_no_object_is_refused(tmp_path: Path, text: str) -> None:
    _folder(tmp_path)
    (tmp_path / "serving.json").write_text(text)
    with pytest.raises(ServingFolderInvalid, match="export again"):
        open_serving_folder(tmp_path)


def test_student_beside_a_teacher_of_another_space_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ServingFolderInvalid, match=f"reads the space {'0' * 16} .* {SPACE}"):
        open_serving_folder(_folder(tmp_path, space="0" * 16))


def test_bundle_without_a_manifest_is_refused(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    next(folder.glob("teacher-*")).joinpath("manifest.json").unlink()
    with pytest.raises(ServingFolderInvalid, match="is not a manifest"):
        open_serving_folder(folder)
