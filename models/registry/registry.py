"""A content-addressed store of bundles.

    bundles/NAME/VERSION/…               the bundle's files, and signature.json where it is signed
    bundles/NAME/VERSION/manifest.json   written last: without it there is no such bundle
    index/NAME/VERSION.json              the entry, written before the manifest

Whoever can write to the store can write all of this: what is read is bounded, checked against the
version by which it was asked for, and trusted only as far as a signature reaches.
"""

from typing import Final, NamedTuple, Self

from pydantic import ValidationError

from models.manifest import (
    MANIFEST,
    MAX_MANIFEST_BYTES,
    SIGNATURE,
    FileTampered,
    Manifest,
    ManifestInvalid,
    bundle_version,
)
from models.registry.entry import MAX_ENTRY_BYTES, Entry
from models.registry.errors import BundleUnknown, EntryInvalid, ReferenceInvalid
from models.registry.reference import Reference, is_name
from models.registry.signature import MAX_SIGNATURE_BYTES
from models.registry.store import Store, TooLong

BUNDLES: Final = "bundles"
INDEX: Final = "index"


class Registered(NamedTuple):
    reference: Reference
    entry: Entry | None  # None where it is missing or damaged


class Registry:
    def __init__(self, store: Store) -> None:
        self.store = store

    @classmethod
    def open(cls, url: str) -> Self:
        """A folder, or what fsspec knows: file://, s3://, gs://. Raises RegistryUrlInvalid."""
        return cls(Store.open(url))

    def bundles(self, name: str | None = None) -> list[Registered]:
        """Every bundle, or every one of that name; by name and the newest first."""
        names = self.store.names(f"{BUNDLES}/{name}" if name else BUNDLES)
        found = filter(None, map(_of_manifest, names))
        registered = [Registered(reference, self.entry_or_none(reference)) for reference in found]
        return sorted(registered, key=lambda each: (each.reference.name, -_pushed_at_ms(each)))

    def find(self, text: str) -> Reference:
        """Of NAME-VERSION, or of the newest of NAME. Raises ReferenceInvalid, BundleUnknown."""
        try:
            return Reference.parse(text)
        except ReferenceInvalid:
            if not is_name(text):
                raise
        named = self.bundles(text)
        if not named:
            raise BundleUnknown(f"{self.store} has no bundle named {text}")
        return named[0].reference

    def entry(self, reference: Reference) -> Entry:
        """Raises EntryInvalid."""
        name = entry_name(reference)
        remedy = "push the bundle again"
        try:
            data = self.store.read(name, MAX_ENTRY_BYTES)
            if data is None:
                raise EntryInvalid(f"{self.store}/{name} is missing: {remedy}")
            entry = Entry.model_validate_json(data)
        except (TooLong, ValidationError) as error:
            raise EntryInvalid(f"{self.store}/{name} is no entry: {error}: {remedy}") from error
        if not entry.manifest_sha256.startswith(reference.version):
            raise EntryInvalid(f"{self.store}/{name} is of another bundle: {remedy}")
        return entry

    def manifest(self, reference: Reference) -> tuple[Manifest, bytes]:
        """With the bytes that the version is of. Raises BundleUnknown, FileTampered,
        ManifestInvalid."""
        data = self.manifest_bytes(reference)
        if data is None:
            raise BundleUnknown(f"{self.store} has no bundle {reference}")
        where = f"{self.store}/{file_name(reference, MANIFEST)}"
        if bundle_version(data) != reference.version:
            raise FileTampered(f"{where} is of version {bundle_version(data)}: push it again")
        try:
            manifest = Manifest.model_validate_json(data)
        except ValidationError as error:
            raise ManifestInvalid(f"{where} is not a manifest: {error}") from error
        if manifest.name != reference.name:
            raise FileTampered(f"{where} is of a bundle named {manifest.name}: push it again")
        return manifest, data

    def manifest_bytes(self, reference: Reference) -> bytes | None:
        """As they are, or None. Raises ManifestInvalid."""
        try:
            return self.store.read(file_name(reference, MANIFEST), MAX_MANIFEST_BYTES)
        except TooLong as error:
            raise ManifestInvalid(str(error)) from error

    def signature_bytes(self, reference: Reference) -> bytes | None:
        """Unchecked; None where the bundle is not signed, or what is there is no signature."""
        try:
            return self.store.read(file_name(reference, SIGNATURE), MAX_SIGNATURE_BYTES)
        except TooLong:
            return None

    def entry_or_none(self, reference: Reference) -> Entry | None:
        try:
            return self.entry(reference)
        except EntryInvalid:
            return None


def folder_name(reference: Reference) -> str:
    return f"{BUNDLES}/{reference.name}/{reference.version}"


def file_name(reference: Reference, name: str) -> str:
    return f"{folder_name(reference)}/{name}"


def entry_name(reference: Reference) -> str:
    return f"{INDEX}/{reference.name}/{reference.version}.json"


def _of_manifest(name: str) -> Reference | None:
    match name.split("/"):
        case [_, bundle, version, last] if last == MANIFEST:
            try:
                return Reference.of(bundle, version)
            except ReferenceInvalid:
                return None
    return None


def _pushed_at_ms(registered: Registered) -> int:
    return registered.entry.pushed_at_ms if registered.entry else -1
