"""Registries to test with: of plain files or in memory, and ones that fail at a chosen step."""

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from export.registry.pushing import Note, push
from models.manifest import MANIFEST, Manifest, bundle_version
from models.registry.reference import Reference
from models.registry.registry import Registry, file_name
from models.registry.store import Store

NOTE: Final = Note(pushed_at_ms=1_760_000_000_000, pushed_by="alice@build")
KINDS: Final = ("file", "memory")


def registry_of(kind: str, folder: Path) -> Registry:
    """An empty one of its own."""
    urls = {"file": f"file://{folder}/registry", "memory": f"memory://{uuid.uuid4().hex}/registry"}
    return Registry.open(urls[kind])


def filled(kind: str, folder: Path, *bundles: Path) -> Registry:
    registry = registry_of(kind, folder)
    for bundle in bundles:
        push(registry, bundle, NOTE)
    return registry


def reference_of(bundle: Path) -> Reference:
    return Reference.parse(bundle.name)


def plant(registry: Registry, bundle: Path, change: Callable[[dict[str, Any]], None]) -> Reference:
    """A manifest that no push would write, under the version that it hashes to."""
    fields = json.loads((bundle / MANIFEST).read_text())
    change(fields)
    data = Manifest.model_validate(fields).to_bytes()
    reference = Reference(fields["name"], bundle_version(data))
    registry.store.put_bytes(file_name(reference, MANIFEST), data)
    return reference


class Failing:
    """A file system whose n-th change fails, as when the disk is full or the process killed."""

    CHANGES = ("makedirs", "open", "mv")

    def __init__(self, files: Any, at: int) -> None:
        self._files = files
        self.left = at

    def __getattr__(self, name: str) -> Any:
        called = getattr(self._files, name)
        return self._counted(name, called) if name in self.CHANGES else called

    def _counted(self, name: str, called: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **named: Any) -> Any:
            if name != "open" or args[1] == "wb":
                if self.left == 0:
                    raise OSError("the disk is full")
                self.left -= 1
            return called(*args, **named)

        return counted


def failing(registry: Registry, at: int) -> Registry:
    """The same store, of which the change number `at` (from 0) and all after it fail."""
    store = registry.store
    return Registry(Store(Failing(store._files, at), store._root))
