"""A bundle as a model of a Triton model repository."""

import filecmp
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

import numpy as np
from safetensors.numpy import load_file

from export.errors import ModelExists
from export.triton.config import config_text
from export.triton.serving import Serving
from models.manifest import GOLDEN, MODEL, Bundle, Manifest
from models.runtime import golden_inputs

CONFIG: Final = "config.pbtxt"
WARMUP: Final = "warmup"
VERSION: Final = "1"
SERVED_MODEL: Final = Path(__file__).with_name("served_model.py")


def write_repository(
    repository: Path, bundle: Path, serving: Serving, name: str | None = None
) -> Path:
    """`repository/<name>`, complete or absent; by default named as the bundle's folder, which is
    how a gateway finds it. Raises ModelExists when something else is there, BundleError."""
    verified = Bundle.verified(bundle)
    manifest, named = verified.manifest, name or str(verified)
    folder = repository / named
    repository.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".staging-", dir=repository))
    try:
        _fill(staging, named, bundle, manifest, serving)
        staging.chmod(0o755)
        _place(staging, folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return folder


def _place(staging: Path, folder: Path) -> None:
    if not folder.exists():
        os.replace(staging, folder)
    elif not _is_same(staging, folder):
        raise ModelExists(f"{folder} is there already and differs: remove it, or give --name")


def _is_same(one: Path, other: Path) -> bool:
    files = [path.relative_to(one) for path in one.rglob("*") if path.is_file()]
    _, *others = filecmp.cmpfiles(one, other, [str(path) for path in files], shallow=False)
    return not any(others)


def _fill(folder: Path, name: str, bundle: Path, manifest: Manifest, serving: Serving) -> None:
    warmup = golden_inputs(load_file(bundle / GOLDEN), manifest)
    (folder / CONFIG).write_text(config_text(name, manifest, serving, warmup))
    (folder / VERSION).mkdir()
    shutil.copyfile(bundle / MODEL, folder / VERSION / MODEL)
    if serving.backend == "python":
        shutil.copyfile(SERVED_MODEL, folder / VERSION / "model.py")
    (folder / WARMUP).mkdir()
    for tensor, array in warmup.items():
        (folder / WARMUP / tensor).write_bytes(np.ascontiguousarray(array).tobytes())
