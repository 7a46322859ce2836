"""The manifest of a bundle, and the checks that come before anything of it is loaded.

BundleError
├── ManifestInvalid      the manifest is missing, too large, not JSON, or not of this format
├── FileMissing          a file that the manifest names is not there
├── FileTampered         a file's size or sha256 is not the manifest's
├── FileUnexpected       a file is there that the manifest does not name
├── PathEscapes          a name or link leads out of the folder
├── GraphRefused         the ONNX graph uses external data or unknown operator domains
└── GoldenMismatch       the golden batch does not give the golden answers
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final, Literal, NamedTuple, Self

import numpy as np
from pydantic import Field, ValidationError, model_validator

from models.features.records import F32, F64
from models.schema import FeatureSchema, Frozen, TensorSpec

FORMAT_VERSION: Final = 1
MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "signature.json"
"""Over the manifest, and so not in it; models.registry.signature."""
MODEL: Final = "model.onnx"
GOLDEN: Final = "golden.safetensors"
WARMUP: Final = "warmup.json"
MAX_MANIFEST_BYTES: Final = 4 << 20


class BundleError(Exception):
    """A bundle that must not be served; the message names the folder, the fault and the remedy."""


class ManifestInvalid(BundleError):
    pass


class FileMissing(BundleError):
    pass


class FileTampered(BundleError):
    pass


class FileUnexpected(BundleError):
    pass


class PathEscapes(BundleError):
    pass


class GraphRefused(BundleError):
    pass


class GoldenMismatch(BundleError):
    pass


class FileEntry(Frozen):
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    size_bytes: int = Field(ge=0, le=8 << 30)


class Parity(Frozen):
    """Largest |torch − ONNX Runtime| over all outputs, by number of candidates."""

    max_abs_error: dict[int, float]
    tolerance: float


class Calibration(Frozen):
    """Platt scaling of one task: p = sigmoid(scale · logit + offset), fitted on validation."""

    scale: float
    offset: float

    def probabilities(self, logit: F32) -> F64:
        """Of any shape of one task's logits; a new array."""
        odds = logit.astype(np.float64)
        odds *= -self.scale
        odds -= self.offset
        np.exp(odds, out=odds)
        odds += 1.0
        probability: F64 = np.reciprocal(odds, out=odds)
        return probability


class ValueFormula(Frozen):
    """What showing an item is worth to a caller who names no task: Π p_task ** power, by which a
    bid is multiplied."""

    powers: dict[str, float] = Field(min_length=1)

    def of(self, probabilities: Mapping[str, F64]) -> F64:
        """`[N]` of each task → `[N]`, a new array."""
        (first, power), *others = self.powers.items()
        value: F64 = probabilities[first] ** power
        for task, power in others:
            value *= probabilities[task] ** power
        return value


class Period(Frozen):
    """[from_ms, until_ms) of the log."""

    from_ms: int
    until_ms: int


class Quantisation(Frozen):
    """Made of another bundle's graph by smaller numbers."""

    precision: str = Field(pattern="^[a-z0-9-]{1,32}$")
    of_version: str = Field(pattern="^[0-9a-f]{12}$")
    cost: dict[str, dict[str, float]]
    """By task, on the test window: `auc` lost, and the share that `log_loss` rose by."""


class Manifest(Frozen):
    format_version: Literal[1] = 1
    name: str = Field(pattern="^[a-z0-9][a-z0-9_-]{0,62}$")
    role: Literal["student", "teacher"]
    tasks: tuple[str, ...]
    features: FeatureSchema
    reads_space: str | None = None
    produces_space: str | None = None
    coverage_trained: tuple[float, float] | None = None
    opset: int
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    parity: Parity
    calibration: dict[str, Calibration]
    value: ValueFormula | None = None
    trained_on: Period
    metrics: dict[str, dict[str, float]]
    golden_tolerance: float = 1e-4
    # Left out where there is none: a manifest's bytes name its bundle.
    quantisation: Quantisation | None = Field(None, exclude_if=lambda given: given is None)
    files: dict[str, FileEntry]

    @model_validator(mode="after")
    def _values_its_own_tasks(self) -> Self:
        unknown = sorted(set(self.value.powers) - set(self.tasks)) if self.value else []
        if unknown:
            raise ValueError(f"value names {', '.join(unknown)}; tasks are {', '.join(self.tasks)}")
        return self

    def to_bytes(self) -> bytes:
        """Canonical JSON: the bytes whose sha256 names the bundle."""
        return (self.model_dump_json(indent=1) + "\n").encode()


def bundle_version(manifest_bytes: bytes) -> str:
    """The content address: 12 hex digits over the manifest, which holds every file's hash."""
    return hashlib.sha256(manifest_bytes).hexdigest()[:12]


def read_manifest(folder: Path) -> tuple[Manifest, str]:
    """The manifest and the bundle's version. Raises ManifestInvalid."""
    path = folder / MANIFEST
    try:
        if path.stat().st_size > MAX_MANIFEST_BYTES:
            raise ManifestInvalid(f"{path} is larger than {MAX_MANIFEST_BYTES} bytes")
        data = path.read_bytes()
        return Manifest.model_validate_json(data), bundle_version(data)
    except (OSError, ValidationError) as error:
        raise ManifestInvalid(f"{path} is not a manifest: {error}") from error


def verify_files(folder: Path, manifest: Manifest) -> None:
    """Every file named is there, inside the folder, with its size and hash, and no other is, but
    for a signature."""
    for name, entry in manifest.files.items():
        _verify(folder, name, entry)
    named = set(manifest.files) | {MANIFEST, SIGNATURE}
    for path in folder.rglob("*"):
        if path.is_file() and path.relative_to(folder).as_posix() not in named:
            raise FileUnexpected(f"{path} is not in the manifest: remove it or export again")


class Bundle(NamedTuple):
    """A folder whose files are its manifest's."""

    folder: Path
    manifest: Manifest
    version: str

    @classmethod
    def verified(cls, folder: Path) -> Self:
        """Raises BundleError."""
        manifest, version = read_manifest(folder)
        verify_files(folder, manifest)
        return cls(folder, manifest, version)

    def __str__(self) -> str:
        return f"{self.manifest.name}-{self.version}"


def _verify(folder: Path, name: str, entry: FileEntry) -> None:
    path = folder / name
    parts = PurePosixPath(name)
    if parts.is_absolute() or ".." in parts.parts or not _is_inside(path, folder):
        raise PathEscapes(f"{name!r} leads out of {folder}: refuse the bundle")
    if not path.is_file():
        raise FileMissing(f"{path} is named by the manifest and missing: copy the bundle again")
    size = path.stat().st_size
    if size != entry.size_bytes:
        raise FileTampered(f"{path} has {size} bytes, the manifest says {entry.size_bytes}")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != entry.sha256:
        raise FileTampered(f"{path} has sha256 {digest}, the manifest says {entry.sha256}")


def _is_inside(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())
