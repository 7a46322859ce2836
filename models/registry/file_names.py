"""What a manifest may ask to be copied, judged before the first byte of it is."""

import re
from collections.abc import Collection
from pathlib import PurePosixPath
from typing import Final

from models.manifest import MANIFEST, SIGNATURE, Manifest, PathEscapes
from models.registry.errors import BundleTooLarge

MAX_FILES: Final = 64
MAX_NAME_BYTES: Final = 255
_PART: Final = r"[A-Za-z0-9_][A-Za-z0-9._-]*"
_FILE_NAME: Final = re.compile(rf"{_PART}(?:/{_PART})*", re.ASCII)
_RESERVED: Final = frozenset((MANIFEST, SIGNATURE))


def check_files(manifest: Manifest, max_bytes: int) -> int:
    """The bytes of all files together. Raises PathEscapes, BundleTooLarge."""
    for name in manifest.files:
        check_file_name(name)
    _check_folders(manifest.files.keys())
    if len(manifest.files) > MAX_FILES:
        raise BundleTooLarge(
            f"{manifest.name} names {len(manifest.files)} files, more than {MAX_FILES}"
        )
    size = sum(entry.size_bytes for entry in manifest.files.values())
    if size > max_bytes:
        raise BundleTooLarge(
            f"{manifest.name} has {size:,} bytes, more than the {max_bytes:,} that there may be: "
            "give a larger bound or a smaller bundle"
        )
    return size


def _check_folders(names: Collection[str]) -> None:
    for name in names:
        for above in PurePosixPath(name).parents:
            if str(above) in names:
                raise PathEscapes(f"{str(above)!r} is a file, and {name!r} would lie below it")


def check_file_name(name: str) -> None:
    """A relative path of plain names: the same on every file system, below the bundle on each.

    Raises PathEscapes.
    """
    is_plain = _FILE_NAME.fullmatch(name) and len(name) <= MAX_NAME_BYTES
    if not is_plain or name in _RESERVED:
        raise PathEscapes(
            f"{name!r} is no name of a file in a bundle: letters, digits and ._- only, no folder "
            f"above it, and neither {' nor '.join(sorted(_RESERVED))}"
        )
