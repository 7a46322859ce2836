"""signature.json: Ed25519 over the bytes of manifest.json, which holds every file's SHA-256.

The version cannot stand in for it: 12 hex digits name a bundle, and somebody with time finds
another manifest with the same. cryptography, the extra `sign`, is imported when one is checked.
"""

from pathlib import Path
from typing import Final, Literal

from pydantic import Field, ValidationError

from models.manifest import MANIFEST, MAX_MANIFEST_BYTES, SIGNATURE, ManifestInvalid
from models.registry.errors import SignatureInvalid, SignatureLibraryMissing, SignatureMissing
from models.schema import Frozen

MAX_SIGNATURE_BYTES: Final = 4096


class Signature(Frozen):
    format_version: Literal[1] = 1
    algorithm: Literal["ed25519"] = "ed25519"
    key: str = Field(pattern="^[0-9a-f]{16}$")  # id of the key that signed
    signature: str = Field(pattern="^[A-Za-z0-9+/]{86}==$")  # 64 bytes in base64

    def to_bytes(self) -> bytes:
        return (self.model_dump_json(indent=1) + "\n").encode()


def check_signature(folder: Path, trusted: Path) -> str:
    """The id of the key that signed the folder's manifest, one of the PEM file or folder `trusted`.

    The files are not looked at: `models.runtime.load` holds them against the manifest.
    Raises SignatureMissing, SignatureInvalid, TrustedKeysInvalid, SignatureLibraryMissing and
    ManifestInvalid, all of them BundleError.
    """
    try:
        from models.registry.trusted_keys import read_trusted_keys
    except ModuleNotFoundError as error:
        raise SignatureLibraryMissing(
            f"the signature of {folder} needs {error.name}, which is not installed here: "
            "pip install 'understudy[sign]'"
        ) from error
    keys = read_trusted_keys(trusted)
    signature = read_signature(folder)
    key = keys.get(signature.key)
    if key is None:
        raise SignatureInvalid(
            f"{folder} is signed by {signature.key}, which is none of the {len(keys)} keys in "
            f"{trusted}: sign it with one of them, or trust its key"
        )
    if not key.has_signed(_read(folder / MANIFEST, MAX_MANIFEST_BYTES), signature.signature):
        raise SignatureInvalid(
            f"{folder}: the signature of {signature.key} is of another manifest: sign this one"
        )
    return signature.key


def read_signature(folder: Path) -> Signature:
    """Unchecked. Raises SignatureMissing, SignatureInvalid."""
    path = folder / SIGNATURE
    if not path.exists():
        raise SignatureMissing(
            f"{folder} has no {SIGNATURE}: sign it with `understudy bundle sign`"
        )
    return parse_signature(_read(path, MAX_SIGNATURE_BYTES), str(path))


def parse_signature(data: bytes, where: str) -> Signature:
    """Raises SignatureInvalid."""
    try:
        return Signature.model_validate_json(data)
    except ValidationError as error:
        raise SignatureInvalid(f"{where} is no signature: {error}: sign again") from error


def _read(path: Path, max_bytes: int) -> bytes:
    fault = ManifestInvalid if path.name == MANIFEST else SignatureInvalid
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise fault(f"{path} cannot be read: {error}") from error
    if len(data) > max_bytes:
        raise fault(f"{path} is longer than {max_bytes:,} bytes")
    return data
