"""Private Ed25519 keys: made, and used to sign. Imports cryptography, the extra `sign`."""

import base64
import os
from pathlib import Path
from typing import Final, NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from models.manifest import MANIFEST, SIGNATURE, Bundle
from models.registry.errors import KeyInvalid
from models.registry.signature import Signature
from models.registry.trusted_keys import SUFFIX, key_id

MAX_KEY_BYTES: Final = 64 << 10


class KeyPair(NamedTuple):
    key: str  # its id
    private: Path
    public: Path


def make_keys(out: Path) -> KeyPair:
    """`out`, PKCS 8 in PEM, unencrypted and readable by its owner alone, and `out`.pub.

    Raises KeyInvalid where either is there already.
    """
    public = out.with_name(out.name + SUFFIX)
    for path in (out, public):
        if path.exists():
            raise KeyInvalid(f"{path} is there already: name another, a key is never written over")
    made = Ed25519PrivateKey.generate()
    private_pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    held = made.public_key()
    _write(out, private_pem, 0o600)
    _write(public, held.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), 0o644)
    return KeyPair(key_id(held), out, public)


def sign(folder: Path, key_file: Path) -> Signature:
    """Of the folder's manifest, whose files are verified first. Raises KeyInvalid, BundleError."""
    key = _private_key(key_file)
    Bundle.verified(folder)
    signed = key.sign((folder / MANIFEST).read_bytes())
    return Signature(key=key_id(key.public_key()), signature=base64.b64encode(signed).decode())


def sign_folder(folder: Path, key_file: Path) -> Signature:
    """Beside the manifest, in place of a signature before it. Raises KeyInvalid, BundleError."""
    signature = sign(folder, key_file)
    beside = folder.parent / f".{folder.name}.{SIGNATURE}"
    beside.write_bytes(signature.to_bytes())
    os.replace(beside, folder / SIGNATURE)
    return signature


def _private_key(path: Path) -> Ed25519PrivateKey:
    try:
        with path.open("rb") as file:
            key = load_pem_private_key(file.read(MAX_KEY_BYTES), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyInvalid(
            f"{path} is no private key to sign with: {error}: give an unencrypted PEM file, as "
            "`understudy bundle keys` writes it"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyInvalid(f"{path} holds a {type(key).__name__}: only Ed25519 signs bundles")
    return key


def _write(path: Path, data: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
