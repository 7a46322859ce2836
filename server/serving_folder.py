"""A serving folder: the bundles and tables that `understudy export` leaves together."""

import json
from pathlib import Path
from typing import Final, NamedTuple

from models.manifest import ManifestInvalid, read_manifest

INDEX: Final = "serving.json"
MAX_INDEX_BYTES: Final = 1 << 16


class ServingFolderInvalid(Exception):
    """No serving folder there, or its index is not one."""


class ServingFolder(NamedTuple):
    path: Path
    student: Path
    teacher: Path

    @property
    def catalogue(self) -> Path:
        return self.path / "catalogue.safetensors"


def open_serving_folder(path: Path) -> ServingFolder:
    """`path` holds serving.json itself or in `serving/`. Raises ServingFolderInvalid."""
    folders = [folder for folder in (path, path / "serving") if (folder / INDEX).is_file()]
    if not folders:
        raise ServingFolderInvalid(
            f"{path} holds no {INDEX}: run `understudy demo`, or `understudy export --out {path}`"
        )
    folder = folders[0].resolve()
    index = _read_index(folder / INDEX)
    student, teacher = (_bundle(folder, index, role) for role in ("student", "teacher"))
    _check_spaces(student, teacher)
    return ServingFolder(folder, student, teacher)


def _check_spaces(student: Path, teacher: Path) -> None:
    """A student beside a teacher of another space would find nothing and say nothing of it."""
    try:
        reads, produces = read_manifest(student)[0], read_manifest(teacher)[0]
    except ManifestInvalid as error:
        raise ServingFolderInvalid(str(error)) from error
    if reads.reads_space not in (None, produces.produces_space):
        raise ServingFolderInvalid(
            f"{student.name} reads the space {reads.reads_space} and {teacher.name} produces "
            f"{produces.produces_space}: export both from one run"
        )


def _read_index(path: Path) -> dict[str, str]:
    if path.stat().st_size > MAX_INDEX_BYTES:
        raise ServingFolderInvalid(f"{path} is larger than {MAX_INDEX_BYTES} bytes: export again")
    try:
        index = json.loads(path.read_bytes())
    except ValueError as error:
        raise ServingFolderInvalid(f"{path} is not JSON: {error}; export again") from error
    if not isinstance(index, dict):
        raise ServingFolderInvalid(f"{path} is not an object: export again")
    return index


def _bundle(folder: Path, index: dict[str, str], role: str) -> Path:
    name = index.get(role)
    is_plain = isinstance(name, str) and name not in ("", "..") and Path(name).name == name
    if not is_plain or not (folder / str(name)).is_dir():
        raise ServingFolderInvalid(f"{folder / INDEX} names {name!r} as {role}: no such bundle")
    return folder / str(name)
