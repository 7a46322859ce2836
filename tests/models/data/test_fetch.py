import subprocess
import zipfile
from pathlib import Path

import pytest

from models.data.fetch import INSIDE, fetch_movielens, unpack


def write_wheel(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{INSIDE}ml-100k.inter", "ratings")
        archive.writestr(f"{INSIDE}../../../escaped.txt", "elsewhere")
        archive.writestr("recbole/__init__.py", "")
    return path


def test_only_the_data_set_is_unpacked_and_nothing_leaves_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "one" / "two"
    unpack(write_wheel(tmp_path / "recbole.whl"), folder)
    assert sorted(path.name for path in folder.iterdir()) == ["escaped.txt", "ml-100k.inter"]
    assert (folder / "ml-100k.inter").read_text() == "ratings"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "recbole.whl"]


def test_a_second_fetch_downloads_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ml-100k.inter").write_text("ratings")
    monkeypatch.setattr(subprocess, "run", None)
    fetch_movielens(tmp_path)
    assert (tmp_path / "ml-100k.inter").read_text() == "ratings"
