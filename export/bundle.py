"""A bundle on disk: files, a manifest with their hashes, a folder named by its content."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.manifest import MANIFEST, FileEntry, Manifest, bundle_version


def write_bundle(parent: Path, fields: dict[str, Any], files: Mapping[str, bytes]) -> Path:
    """`parent/<name>-<version>`, complete or absent: written beside it and renamed into place.

    `fields` are the manifest's, without `files`. The same content gives the same folder.
    """
    manifest = Manifest(**fields, files={name: _entry(data) for name, data in files.items()})
    data = manifest.to_bytes()
    folder = parent / f"{manifest.name}-{bundle_version(data)}"
    parent.mkdir(parents=True, exist_ok=True)
    if not folder.exists():
        _place(parent, folder, {**files, MANIFEST: data})
    return folder


def _entry(data: bytes) -> FileEntry:
    return FileEntry(sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data))


def _place(parent: Path, folder: Path, files: Mapping[str, bytes]) -> None:
    staging = Path(tempfile.mkdtemp(prefix=".staging-", dir=parent))
    try:
        for name, data in files.items():
            (staging / name).write_bytes(data)
        staging.chmod(0o755)
        os.replace(staging, folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
