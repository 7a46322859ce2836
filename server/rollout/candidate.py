"""The bundle that is to follow, as an operator names it."""

from pathlib import Path
from typing import Final, NamedTuple

from models.manifest import BundleError, Manifest, read_manifest
from models.registry.errors import ReferenceInvalid, RegistryError
from models.registry.reference import Reference
from models.registry.registry import Registry
from server.rollout.errors import ActRefused
from server.serving_folder import ServingFolderInvalid, open_serving_folder

MAX_WHERE: Final = 4096


class Candidate(NamedTuple):
    where: str  # absolute path of a serving folder, or NAME-VERSION
    name: str
    version: str


def find_candidate(to: str, registry: str | None) -> Candidate:
    """`to` is a serving folder of this machine, or NAME-VERSION: without a registry's address its
    being there is for gateways to find out. Blocking. Raises ActRefused."""
    if len(to) > MAX_WHERE:
        raise ActRefused(f"to has {len(to)} characters: give {MAX_WHERE} at most")
    try:
        reference = None if Path(to).is_dir() else _reference(to)
        return _in_folder(Path(to)) if reference is None else _registered(reference, registry)
    except (BundleError, RegistryError, ServingFolderInvalid) as error:
        raise ActRefused(str(error)) from error
    except OSError as error:
        raise ActRefused(
            f"{to} cannot be looked at: {error.strerror}: give a serving folder that may be read "
            "here, or NAME-VERSION of the registry"
        ) from error


def _reference(to: str) -> Reference | None:
    try:
        return Reference.parse(to)
    except ReferenceInvalid:
        return None


def _in_folder(path: Path) -> Candidate:
    serving = open_serving_folder(path)
    manifest, version = read_manifest(serving.student)
    return _student(str(serving.path), manifest, version)


def _registered(reference: Reference, registry: str | None) -> Candidate:
    if registry is None:
        return Candidate(str(reference), *reference)
    manifest, _ = Registry.open(registry).manifest(reference)
    return _student(str(reference), manifest, reference.version)


def _student(where: str, manifest: Manifest, version: str) -> Candidate:
    if manifest.role != "student":
        raise ActRefused(f"{where} is a {manifest.role}: give a student")
    return Candidate(where, manifest.name, version)
