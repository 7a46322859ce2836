import json
from pathlib import Path

import pytest

from server.serving_folder import ServingFolderInvalid, open_serving_folder


def _folder(path: Path, **index: object) -> Path:
    for name in ("student-1", "teacher-1"):
        (path / name).mkdir(parents=True)
    names = {"student": "student-1", "teacher": "teacher-1"} | index
    (path / "serving.json").write_text(json.dumps(names))
    return path


def test_serving_folder_opens_by_itself_and_inside_a_demo(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "serving")
    for path in (folder, tmp_path):
        opened = open_serving_folder(path)
        assert opened.student == folder / "student-1"
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
