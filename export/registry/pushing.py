"""A bundle folder into a registry: files, signature, entry, and the manifest last."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from models.manifest import (
    MANIFEST,
    SIGNATURE,
    FileTampered,
    Manifest,
    bundle_version,
)
from models.registry.entry import Entry
from models.registry.errors import EntryInvalid, PushIncomplete, SignatureInvalid, VersionTaken
from models.registry.file_names import check_files
from models.registry.pulling import MAX_BUNDLE_BYTES
from models.registry.reference import Reference
from models.registry.registry import Registry, entry_name, file_name
from models.registry.signature import Signature, parse_signature, read_signature
from models.registry.store import TooLong
from models.runtime import load


@dataclass(frozen=True, slots=True)
class Note:
    pushed_at_ms: int
    pushed_by: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Pushed:
    reference: Reference
    written: tuple[str, ...]  # names of what the registry did not have yet
    signed_by: str | None


@dataclass(frozen=True, slots=True)
class _Local:
    """A folder that a gateway would serve."""

    folder: Path
    manifest: Manifest
    manifest_bytes: bytes
    size_bytes: int

    @property
    def reference(self) -> Reference:
        return Reference(self.manifest.name, bundle_version(self.manifest_bytes))


def push(
    registry: Registry, folder: Path, note: Note, signature: Signature | None = None
) -> Pushed:
    """Blocking. Writes what is missing or damaged there and nothing else, so it may be repeated
    after a failure, and by several at once. The entry stays that of the first push, unless a
    signature comes with this one.

    Raises BundleError for what a gateway would refuse, and then has written nothing;
    RegistryUnavailable, PushIncomplete, VersionTaken, EntryInvalid.
    """
    local = _verified(folder)
    reference = local.reference
    _check_free(registry, local)
    signature = signature or _own_signature(folder)
    entry = _entry(registry, local, note, signature)
    written = _send_files(registry, local)
    if signature is not None:
        written += _send(registry, file_name(reference, SIGNATURE), signature.to_bytes())
    written += _send_entry(registry, reference, entry)
    written += _send(registry, file_name(reference, MANIFEST), local.manifest_bytes)
    return Pushed(reference, tuple(written), entry.signed_by)


def _verified(folder: Path) -> _Local:
    """As a gateway would, golden answers included. Raises BundleError."""
    model = load(folder)
    size = check_files(model.manifest, MAX_BUNDLE_BYTES)
    data = (folder / MANIFEST).read_bytes()
    if bundle_version(data) != model.version:
        raise FileTampered(f"{folder / MANIFEST} changed while it was read: push again")
    return _Local(folder, model.manifest, data, size)


def _check_free(registry: Registry, local: _Local) -> None:
    """What does not hash to its version is damage, and is written over."""
    there = registry.manifest_bytes(local.reference)
    if there is None or there == local.manifest_bytes:
        return
    if bundle_version(there) == local.reference.version:
        raise VersionTaken(
            f"{registry.store} has another {local.reference}, of which the first 48 bits of the "
            "SHA-256 are alike: export the model again, and ask who made the other"
        )


def _own_signature(folder: Path) -> Signature | None:
    return read_signature(folder) if (folder / SIGNATURE).exists() else None


def _entry(registry: Registry, local: _Local, note: Note, signature: Signature | None) -> Entry:
    try:
        there = registry.entry(local.reference)
    except EntryInvalid:
        return _first_entry(registry, local, note, signature)
    return there.model_copy(update={"signed_by": signature.key}) if signature else there


def _first_entry(
    registry: Registry, local: _Local, note: Note, signature: Signature | None
) -> Entry:
    manifest = local.manifest
    try:
        return Entry(
            manifest_sha256=hashlib.sha256(local.manifest_bytes).hexdigest(),
            role=manifest.role,
            reads_space=manifest.reads_space,
            produces_space=manifest.produces_space,
            size_bytes=local.size_bytes,
            pushed_at_ms=note.pushed_at_ms,
            pushed_by=note.pushed_by,
            message=note.message,
            signed_by=signature.key if signature else _key_there(registry, local.reference),
        )
    except ValidationError as error:
        raise EntryInvalid(f"{local.reference}: {_faults(error)}: nothing was pushed") from error


def _faults(error: ValidationError) -> str:
    return "; ".join(
        f"{fault['loc'][0]} {str(fault['input'])[:100]!r}: {fault['msg']}"
        for fault in error.errors()
    )


def _key_there(registry: Registry, reference: Reference) -> str | None:
    """Of a signature that stands where its entry was lost."""
    data = registry.signature_bytes(reference)
    try:
        return None if data is None else parse_signature(data, str(reference)).key
    except SignatureInvalid:  # damaged too: what is pushed now mends what it can
        return None


def _send_files(registry: Registry, local: _Local) -> list[str]:
    """Read back before anything says that they are there. Raises PushIncomplete."""
    written = []
    for name, entry in local.manifest.files.items():
        there = file_name(local.reference, name)
        if registry.store.holds(there, entry):
            continue
        with (local.folder / name).open("rb") as file:
            registry.store.put(there, file)
        if not registry.store.holds(there, entry):
            raise PushIncomplete(
                f"{registry.store}/{there} does not read back as written: push again, and see to "
                "the store's disk and to who else writes there"
            )
        written.append(there)
    return written


def _send(registry: Registry, name: str, data: bytes) -> list[str]:
    """Small files, which are compared whole."""
    if _reads_as(registry, name, data):
        return []
    registry.store.put_bytes(name, data)
    if not _reads_as(registry, name, data):
        raise PushIncomplete(f"{registry.store}/{name} does not read back as written: push again")
    return [name]


def _send_entry(registry: Registry, reference: Reference, entry: Entry) -> list[str]:
    """Another push of the same bundle may have put its own there meanwhile, which is as good.
    Raises EntryInvalid."""
    name, data = entry_name(reference), entry.to_bytes()
    if _reads_as(registry, name, data):
        return []
    registry.store.put_bytes(name, data)
    registry.entry(reference)
    return [name]


def _reads_as(registry: Registry, name: str, data: bytes) -> bool:
    try:
        return registry.store.read(name, len(data)) == data
    except TooLong:
        return False
