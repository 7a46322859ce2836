"""A bundle of a registry as a local folder, verified before anybody is told of it."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from models.manifest import (
    MANIFEST,
    SIGNATURE,
    BundleError,
    FileTampered,
    Manifest,
    read_manifest,
    verify_files,
)
from models.registry.errors import RegistryUnavailable
from models.registry.file_names import check_files
from models.registry.local_cache import LocalCache
from models.registry.reference import Reference
from models.registry.registry import Registry, file_name

MAX_BUNDLE_BYTES: Final = 8 << 30


def pull(
    registry: Registry,
    reference: Reference,
    cache: LocalCache,
    max_bytes: int = MAX_BUNDLE_BYTES,
) -> Path:
    """Blocking; any number of processes and threads may pull into one cache. A bundle that is
    there whole is not fetched again, though a new signature of it is.

    Raises BundleUnknown, RegistryUnavailable, BundleTooLarge, CacheFull, CacheInvalid and, for
    what must not be served, BundleError.
    """
    with cache.locked():
        path = cache.path(reference)
        if _is_whole(path, reference):
            with suppress(RegistryUnavailable):  # what is here may be served without it
                _renew_signature(registry, reference, cache)
            cache.touch(reference)
            return path
        return _fetched(registry, reference, cache, max_bytes)


def _fetched(registry: Registry, reference: Reference, cache: LocalCache, max_bytes: int) -> Path:
    manifest, manifest_bytes = registry.manifest(reference)
    size = check_files(manifest, max_bytes) + len(manifest_bytes)
    cache.make_room(reference, size)
    with cache.staging() as staged:
        (staged / MANIFEST).write_bytes(manifest_bytes)
        _fetch_files(registry, reference, manifest, staged)
        signature = registry.signature_bytes(reference)
        if signature is not None:
            (staged / SIGNATURE).write_bytes(signature)
        verify_files(staged, manifest)
        return cache.place(staged, reference)


def _fetch_files(
    registry: Registry, reference: Reference, manifest: Manifest, folder: Path
) -> None:
    for name, entry in manifest.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        registry.store.fetch(file_name(reference, name), path, entry)


def _is_whole(path: Path, reference: Reference) -> bool:
    try:
        _verify(path, reference)
    except BundleError:
        return False
    return True


def _verify(path: Path, reference: Reference) -> None:
    manifest, version = read_manifest(path)
    if Reference(manifest.name, version) != reference:
        raise FileTampered(f"{path} holds {manifest.name}-{version}")
    verify_files(path, manifest)


def _renew_signature(registry: Registry, reference: Reference, cache: LocalCache) -> None:
    signature = registry.signature_bytes(reference)
    if signature is None:
        return
    with cache.staging() as staged:
        (staged / SIGNATURE).write_bytes(signature)
        os.replace(staged / SIGNATURE, cache.path(reference) / SIGNATURE)
