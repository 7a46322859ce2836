"""A signature says who made a manifest; without it, or with another, a bundle is not served."""

import base64
import shutil
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from export.registry.pushing import push
from export.registry.signing import KeyPair, make_keys, sign, sign_folder
from models.manifest import MANIFEST, MODEL, SIGNATURE, FileTampered
from models.registry.errors import (
    KeyInvalid,
    SignatureInvalid,
    SignatureLibraryMissing,
    SignatureMissing,
    TrustedKeysInvalid,
)
from models.registry.local_cache import LocalCache
from models.registry.pulling import pull
from models.registry.signature import Signature, check_signature, read_signature
from models.runtime import load
from tests.registries import NOTE, filled, reference_of, registry_of


@pytest.fixture
def pair(tmp_path: Path) -> KeyPair:
    return make_keys(tmp_path / "keys" / "release")


@pytest.fixture
def bundle(tmp_path: Path, student: Path) -> Path:
    return Path(shutil.copytree(student, tmp_path / student.name))


def test_bundle_is_trusted_by_the_key_that_signed_it(bundle: Path, pair: KeyPair) -> None:
    sign_folder(bundle, pair.private)
    assert check_signature(bundle, pair.public) == pair.key
    assert load(bundle).version == reference_of(bundle).version  # and is served as before


def test_signature_is_plain_ed25519_over_the_manifest(bundle: Path, pair: KeyPair) -> None:
    signature = base64.b64decode(sign_folder(bundle, pair.private).signature)
    key = load_pem_public_key(pair.public.read_bytes())
    assert isinstance(key, Ed25519PublicKey)
    key.verify(signature, (bundle / MANIFEST).read_bytes())


def test_private_key_is_its_owners_alone_and_never_written_over(pair: KeyPair) -> None:
    assert pair.private.stat().st_mode & 0o777 == 0o600
    before = pair.private.read_bytes()
    with pytest.raises(KeyInvalid, match="never written over"):
        make_keys(pair.private)
    assert pair.private.read_bytes() == before


def test_missing_signature_is_its_own_error(bundle: Path, pair: KeyPair) -> None:
    with pytest.raises(SignatureMissing, match="bundle sign"):
        check_signature(bundle, pair.public)


def test_key_that_is_not_trusted_is_named(bundle: Path, pair: KeyPair, tmp_path: Path) -> None:
    other = make_keys(tmp_path / "other")
    sign_folder(bundle, other.private)
    with pytest.raises(SignatureInvalid, match=other.key):
        check_signature(bundle, pair.public)


def test_signature_under_a_trusted_keys_name_still_has_to_be_its_own(
    bundle: Path, pair: KeyPair, tmp_path: Path
) -> None:
    forged = sign(bundle, make_keys(tmp_path / "other").private)
    posing = forged.model_copy(update={"key": pair.key})
    (bundle / SIGNATURE).write_bytes(posing.to_bytes())
    with pytest.raises(SignatureInvalid, match="another manifest"):
        check_signature(bundle, pair.public)


def test_changed_manifest_is_refused(bundle: Path, pair: KeyPair) -> None:
    sign_folder(bundle, pair.private)
    path = bundle / MANIFEST
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(SignatureInvalid, match="another manifest"):
        check_signature(bundle, pair.public)


def test_signature_of_another_version_does_not_carry_over(
    bundle: Path, later: Path, pair: KeyPair
) -> None:
    (bundle / SIGNATURE).write_bytes(sign(later, pair.private).to_bytes())
    with pytest.raises(SignatureInvalid):
        check_signature(bundle, pair.public)


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff" * 64, bytes(5000)])
def test_unreadable_signature_is_refused(bundle: Path, pair: KeyPair, data: bytes) -> None:
    (bundle / SIGNATURE).write_bytes(data)
    with pytest.raises(SignatureInvalid):
        check_signature(bundle, pair.public)


def test_damaged_bundle_is_not_signed(bundle: Path, pair: KeyPair) -> None:
    (bundle / MODEL).write_bytes(b"not what the manifest says")
    with pytest.raises(FileTampered):
        sign_folder(bundle, pair.private)
    assert not (bundle / SIGNATURE).exists()


def test_every_key_of_a_file_or_folder_is_trusted(
    bundle: Path, pair: KeyPair, tmp_path: Path
) -> None:
    other = make_keys(tmp_path / "keys" / "other")
    both = tmp_path / "both.pem"
    both.write_bytes(b"# ours\n" + other.public.read_bytes() + b"\n" + pair.public.read_bytes())
    for maker in (pair, other):
        sign_folder(bundle, maker.private)
        assert check_signature(bundle, both) == maker.key
        assert check_signature(bundle, tmp_path / "keys") == maker.key


def _rsa() -> bytes:
    key = generate_private_key(65537, 1024).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "no PEM block"),
        (bytes(70_000), "longer than"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "does not read"),
        (_rsa(), "only Ed25519"),
    ],
    ids=["empty", "long", "garbage", "rsa"],
)
def test_file_that_holds_no_key_trusts_nobody(
    bundle: Path, pair: KeyPair, tmp_path: Path, data: bytes, told: str
) -> None:
    sign_folder(bundle, pair.private)
    path = tmp_path / "trusted.pub"
    path.write_bytes(data)
    with pytest.raises(TrustedKeysInvalid, match=told):
        check_signature(bundle, path)


def test_trusted_keys_that_are_not_there_or_private_trust_nobody(
    bundle: Path, pair: KeyPair, tmp_path: Path
) -> None:
    sign_folder(bundle, pair.private)
    (tmp_path / "empty").mkdir()
    for path, told in (
        (tmp_path / "nowhere.pub", "cannot be read"),
        (tmp_path / "empty", "no public key"),
        (pair.private, "private key"),
    ):
        with pytest.raises(TrustedKeysInvalid, match=told):
            check_signature(bundle, path)


def test_without_the_library_nothing_is_trusted(
    bundle: Path, pair: KeyPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_folder(bundle, pair.private)
    monkeypatch.delitem(sys.modules, "models.registry.trusted_keys")
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    with pytest.raises(SignatureLibraryMissing, match=r"understudy\[sign\]"):
        check_signature(bundle, pair.public)


def test_signature_travels_with_the_bundle(
    kind: str, tmp_path: Path, bundle: Path, pair: KeyPair
) -> None:
    sign_folder(bundle, pair.private)
    registry = filled(kind, tmp_path, bundle)
    assert registry.entry(reference_of(bundle)).signed_by == pair.key
    folder = pull(registry, reference_of(bundle), LocalCache(tmp_path / "cache", 1 << 30))
    assert check_signature(folder, pair.public) == pair.key


def test_signature_given_later_reaches_what_was_pulled_before(
    tmp_path: Path, bundle: Path, pair: KeyPair
) -> None:
    registry, cache = filled("file", tmp_path, bundle), LocalCache(tmp_path / "cache", 1 << 30)
    folder = pull(registry, reference_of(bundle), cache)
    with pytest.raises(SignatureMissing):
        read_signature(folder)
    pushed = push(registry, bundle, NOTE, sign(bundle, pair.private))
    assert len(pushed.written) == 2  # signature and entry
    assert check_signature(pull(registry, reference_of(bundle), cache), pair.public) == pair.key


def test_oversized_signature_in_a_store_is_not_fetched(
    tmp_path: Path, bundle: Path, pair: KeyPair
) -> None:
    registry = registry_of("file", tmp_path)
    signature = sign(bundle, pair.private)
    push(registry, bundle, NOTE, signature)
    there = f"bundles/{reference_of(bundle).name}/{reference_of(bundle).version}/{SIGNATURE}"
    registry.store.put_bytes(there, bytes(1 << 20))
    folder = pull(registry, reference_of(bundle), LocalCache(tmp_path / "cache", 1 << 30))
    assert not (folder / SIGNATURE).exists()


def test_signature_reads_back() -> None:
    signature = Signature(key="0123456789abcdef", signature="A" * 86 + "==")
    assert Signature.model_validate_json(signature.to_bytes()) == signature
