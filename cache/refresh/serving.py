"""What a refresher and an ingest process read of a serving folder."""

import json
from pathlib import Path
from typing import Final

INDEX: Final = "serving.json"
CATALOGUE: Final = "catalogue.safetensors"
USERS: Final = "users.safetensors"
MAX_INDEX_BYTES: Final = 1 << 16


class NotAServingFolder(Exception):
    pass


def teacher_folder(serving: Path) -> Path:
    """Raises NotAServingFolder."""
    return _named(serving, "teacher")


def student_folder(serving: Path) -> Path:
    """Raises NotAServingFolder."""
    return _named(serving, "student")


def _named(serving: Path, role: str) -> Path:
    path = serving / INDEX
    try:
        if path.stat().st_size > MAX_INDEX_BYTES:
            raise NotAServingFolder(f"{path} is larger than {MAX_INDEX_BYTES} bytes")
        name = json.loads(path.read_bytes())[role]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotAServingFolder(
            f"{path} names no {role} ({type(error).__name__}: {error}): give the folder that "
            "`understudy export --out` wrote"
        ) from error
    if not isinstance(name, str) or Path(name).name != name:
        raise NotAServingFolder(f"{path}: {role} {name!r} is not the name of a folder beside it")
    return serving / name
