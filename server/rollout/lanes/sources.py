"""From what a rollout names to the files of this machine."""

import os
from pathlib import Path

from models.registry.errors import RegistryError
from models.registry.local_cache import LocalCache
from models.registry.pulling import pull
from models.registry.reference import Reference
from models.registry.registry import Registry
from server.open_lane import Source
from server.rollout.lanes.errors import WhereUnknown
from server.rollout.state import STARTED_WITH
from server.serving_folder import ServingFolderInvalid, open_serving_folder
from server.settings import Settings


def source_of(where: str, first: Source, settings: Settings) -> Source:
    """Blocking: a bundle of the registry is pulled, and goes with the catalogue that the gateway
    was started with. Raises WhereUnknown, and for what must not be served BundleError."""
    if where == STARTED_WITH:
        return first
    try:
        if os.path.isabs(where):
            serving = open_serving_folder(Path(where))
            return Source(serving.student, serving.catalogue)
        return Source(_pulled(Reference.parse(where), settings), first.catalogue_of(settings))
    except (RegistryError, ServingFolderInvalid, OSError) as error:
        raise WhereUnknown(str(error)) from error


def _pulled(reference: Reference, settings: Settings) -> Path:
    if settings.registry is None:
        raise WhereUnknown(
            f"{reference} is a bundle of a registry and none is configured: set "
            "UNDERSTUDY_REGISTRY, or name a serving folder"
        )
    cache = LocalCache(_folder(settings), int(settings.registry_cache_gib * (1 << 30)))
    return pull(Registry.open(settings.registry), reference, cache)


def _folder(settings: Settings) -> Path:
    if settings.registry_cache is not None:
        return settings.registry_cache
    above = os.environ.get("XDG_CACHE_HOME")
    return (Path(above) if above else Path.home() / ".cache") / "understudy" / "bundles"
