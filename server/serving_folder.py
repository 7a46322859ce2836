"""A serving folder: the bundles and tables that `understudy export` leaves together."""

import json
from pathlib import Path
from typing import Final, NamedTuple

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
    return ServingFolder(
        folder, _bundle(folder, index, "student"), _bundle(folder, index, "teacher")
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
