"""`understudy bundle keys` and `sign`. cryptography, an extra, is imported when they run."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from export.registry.options import AsJson
from models.registry.errors import SignatureLibraryMissing
from models.registry.signature import Signature


def keys(
    out: Annotated[Path, typer.Argument(help="File of the private key; OUT.pub is the public.")],
    as_json: AsJson = False,
) -> None:
    """Make a key to sign bundles with, and one for gateways to trust."""
    with _library():
        from export.registry.signing import make_keys
    made = make_keys(out)
    if as_json:
        facts = {"key": made.key, "private": str(made.private), "public": str(made.public)}
        typer.echo(json.dumps(facts))
        return
    told = Console(highlight=False, soft_wrap=True)
    told.print(f"key      {made.key}")
    told.print(f"private  {made.private}: for whoever pushes, and for nobody else", markup=False)
    told.print(f"public   {made.public}: for gateways, UNDERSTUDY_TRUSTED_KEYS", markup=False)


def sign_bundle(
    folder: Annotated[Path, typer.Argument(help="A bundle folder.")],
    key: Annotated[Path, typer.Option(help="Private key to sign with.")],
    as_json: AsJson = False,
) -> None:
    """Write signature.json into a bundle folder."""
    with _library():
        from export.registry.signing import sign_folder
    signature = sign_folder(folder, key)
    if as_json:
        typer.echo(signature.model_dump_json())
        return
    Console(highlight=False).print(f"{folder}: signed by {signature.key}", markup=False)


def sign_with(folder: Path, key: Path) -> Signature:
    """Raises SignatureLibraryMissing, KeyInvalid, BundleError."""
    with _library():
        from export.registry.signing import sign
    return sign(folder, key)


@contextmanager
def _library() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise SignatureLibraryMissing(
            f"keys and signatures need {error.name}, which is not installed here: "
            "pip install 'understudy[sign]'"
        ) from error
