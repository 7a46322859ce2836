"""Options that several commands of `understudy bundle` take."""

import os
from pathlib import Path
from typing import Annotated, Final

import typer

from models.registry.local_cache import LocalCache
from models.registry.reference import Reference
from models.registry.registry import Registry

REGISTRY_VARIABLE: Final = "UNDERSTUDY_REGISTRY"
CACHE_GIB: Final = 20.0

_REGISTRY: Final = typer.Option(
    "--registry", envvar=REGISTRY_VARIABLE, help="Folder, or s3://…, gs://… with its package."
)
RegistryUrl = Annotated[str, _REGISTRY]
RegistryUrlIfAny = Annotated[str | None, _REGISTRY]
AsJson = Annotated[bool, typer.Option("--json", help="Print for machines.")]
CacheFolder = Annotated[
    Path | None,
    typer.Option("--cache", help="Where pulled bundles are.  [default: ~/.cache/understudy]"),
]
CacheGib = Annotated[float, typer.Option(min=0.0, help="Most that they may take there, GiB.")]

InUse = Annotated[
    list[str] | None, typer.Option("--in-use", help="NAME-VERSION that stays; may be repeated.")
]


def references(texts: list[str] | None) -> list[Reference]:
    """Raises ReferenceInvalid."""
    return [Reference.parse(text) for text in texts or ()]


def open_cache(folder: Path | None, gib: float, *in_use: Reference) -> LocalCache:
    return LocalCache(folder or _default_folder(), int(gib * (1 << 30)), in_use)


def open_registry(url: str | None, subject: str) -> Registry:
    """For a bundle that is no local folder. Raises BadParameter without a URL."""
    if url is None:
        raise typer.BadParameter(
            f"{subject} is no folder here: for NAME-VERSION of a registry give --registry, or set "
            f"{REGISTRY_VARIABLE}"
        )
    return Registry.open(url)


def _default_folder() -> Path:
    above = os.environ.get("XDG_CACHE_HOME")
    return (Path(above) if above else Path.home() / ".cache") / "understudy" / "bundles"
