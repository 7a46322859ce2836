"""FOLDER or NAME-VERSION, as a folder that may be read."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from export.registry.options import open_cache, open_registry
from models.manifest import Bundle
from models.registry.pulling import MAX_BUNDLE_BYTES, pull

_GIB = MAX_BUNDLE_BYTES / (1 << 30)


@contextmanager
def fetched(subject: str, registry: str | None) -> Iterator[Path]:
    """A local folder as it is; of a registry, every byte fetched anew and gone afterwards.

    Raises RegistryError, BundleError.
    """
    if Path(subject).is_dir():
        yield Path(subject)
        return
    opened = open_registry(registry, subject)
    with tempfile.TemporaryDirectory(prefix="understudy-") as folder:
        yield pull(opened, opened.find(subject), open_cache(Path(folder), _GIB * 1.01))


@contextmanager
def described(subject: str, registry: str | None) -> Iterator[Bundle]:
    """Its files verified, so that its graph may be read. Raises RegistryError, BundleError."""
    with fetched(subject, registry) as folder:
        yield Bundle.verified(folder)
