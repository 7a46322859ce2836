"""Public Ed25519 keys whose signatures count, of PEM files. Imports cryptography, an extra."""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from models.registry.errors import TrustedKeysInvalid

MAX_FILE_BYTES: Final = 64 << 10
MAX_FILES: Final = 256
SUFFIX: Final = ".pub"
_PUBLIC: Final = re.compile(rb"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class TrustedKey:
    key: Ed25519PublicKey

    def has_signed(self, data: bytes, signature: str) -> bool:
        """`signature` in base64."""
        try:
            self.key.verify(base64.b64decode(signature), data)
        except InvalidSignature:
            return False
        return True


def key_id(key: Ed25519PublicKey) -> str:
    """16 hex digits of the SHA-256 of its 32 bytes: a name, by which nothing is trusted."""
    return sha256(key.public_bytes_raw()).hexdigest()[:16]


def read_trusted_keys(path: Path) -> dict[str, TrustedKey]:
    """By id, of a PEM file with any number of keys, or of all *.pub in a folder.

    One bad file is an error: a key that was meant to be trusted must not go missing unseen.
    Raises TrustedKeysInvalid.
    """
    keys = {key_id(key): TrustedKey(key) for file in _files(path) for key in _keys(file)}
    if not keys:
        raise TrustedKeysInvalid(
            f"{path} holds no public key: give a PEM file, or a folder of *{SUFFIX} files, as "
            "`understudy bundle keys` writes them"
        )
    return keys


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(path.glob(f"*{SUFFIX}"))
    if len(files) > MAX_FILES:
        raise TrustedKeysInvalid(f"{path} holds {len(files)} files of keys, more than {MAX_FILES}")
    return files


def _keys(path: Path) -> Iterator[Ed25519PublicKey]:
    data = _read(path)
    if b"PRIVATE KEY" in data:
        raise TrustedKeysInvalid(
            f"{path} holds a private key, which no gateway needs: give its *{SUFFIX} file"
        )
    blocks = _PUBLIC.findall(data)
    if not blocks:
        raise TrustedKeysInvalid(f"{path} holds no PEM block of a PUBLIC KEY")
    for block in blocks:
        yield _key(path, block)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise TrustedKeysInvalid(f"{path} cannot be read: {error}") from error
    if len(data) > MAX_FILE_BYTES:
        raise TrustedKeysInvalid(f"{path} is longer than {MAX_FILE_BYTES:,} bytes")
    return data


def _key(path: Path, block: bytes) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(block)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise TrustedKeysInvalid(f"{path} holds a key that does not read: {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise TrustedKeysInvalid(f"{path} holds a {type(key).__name__}: only Ed25519 keys count")
    return key
