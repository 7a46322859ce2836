"""A gateway with UNDERSTUDY_TRUSTED_KEYS serves what one of them signed, and nothing else."""

from pathlib import Path

import pytest

from export.registry.signing import KeyPair, make_keys, sign_folder
from models.manifest import MODEL, BundleError, FileTampered
from models.registry.errors import SignatureInvalid, SignatureMissing, TrustedKeysInvalid
from server.lane import load_model, load_stand_in
from tests.bundles import serving_folder
from tests.server.live import settings_for


@pytest.fixture
def pair(tmp_path: Path) -> KeyPair:
    return make_keys(tmp_path / "keys" / "release")


@pytest.fixture
def student(tmp_path: Path) -> Path:
    (tmp_path / "serving").mkdir()
    return next(serving_folder(tmp_path / "serving").glob("student-*"))


def _version(student: Path, trusted: Path | None) -> str:
    return load_model(settings_for(student, trusted_keys=trusted), student)[0].version


def test_unsigned_bundle_is_served_where_no_key_is_named(student: Path) -> None:
    assert student.name.endswith(_version(student, None))


def test_unsigned_bundle_is_refused_as_every_bad_bundle_is(student: Path, pair: KeyPair) -> None:
    with pytest.raises(SignatureMissing) as refused:
        _version(student, pair.public)
    assert isinstance(refused.value, BundleError)  # which lanes and migrations already catch


def test_signed_bundle_is_served(student: Path, pair: KeyPair) -> None:
    sign_folder(student, pair.private)
    assert student.name.endswith(_version(student, pair.public))


def test_bundle_of_another_key_is_refused(student: Path, pair: KeyPair, tmp_path: Path) -> None:
    sign_folder(student, make_keys(tmp_path / "other").private)
    with pytest.raises(SignatureInvalid):
        _version(student, pair.public)


def test_signed_manifest_does_not_excuse_a_changed_file(student: Path, pair: KeyPair) -> None:
    sign_folder(student, pair.private)
    (student / MODEL).write_bytes((student / MODEL).read_bytes() + b" ")
    with pytest.raises(FileTampered):
        _version(student, pair.public)


def test_key_that_is_new_in_the_folder_counts_at_the_next_load(
    student: Path, pair: KeyPair, tmp_path: Path
) -> None:
    new = make_keys(tmp_path / "new")
    sign_folder(student, new.private)
    with pytest.raises(SignatureInvalid):
        _version(student, pair.public.parent)
    new.public.rename(pair.public.parent / new.public.name)
    assert student.name.endswith(_version(student, pair.public.parent))


def test_keys_that_are_away_serve_nothing(student: Path, pair: KeyPair, tmp_path: Path) -> None:
    sign_folder(student, pair.private)
    with pytest.raises(TrustedKeysInvalid):
        _version(student, tmp_path / "nowhere")


def test_unsigned_stand_in_is_refused_too(student: Path, pair: KeyPair) -> None:
    [alone] = student.parent.glob("alone-*")
    manifest = load_model(settings_for(student), student)[0].manifest
    settings = settings_for(student, stand_in_bundle=alone, trusted_keys=pair.public)
    with pytest.raises(SignatureMissing):
        load_stand_in(settings, manifest)
    assert load_stand_in(settings_for(student, stand_in_bundle=alone), manifest) is not None
