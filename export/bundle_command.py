"""`understudy bundle`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from models.manifest import BundleError
from models.runtime import load


def verify(
    folder: Annotated[Path, typer.Argument(help="A bundle folder.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest.")] = False,
) -> None:
    """Verify a bundle as a gateway would before serving it, and say what it is."""
    console = Console()
    try:
        model = load(folder)
    except BundleError as error:
        console.print(f"[red]refused[/red] {type(error).__name__}: {error}", highlight=False)
        raise typer.Exit(1) from error
    manifest = model.manifest
    if as_json:
        console.print_json(manifest.model_dump_json())
        return
    parity = max(manifest.parity.max_abs_error.values())
    console.print(f"{manifest.name}-{model.version}: a {manifest.role}, verified")
    console.print(f"tasks    {', '.join(manifest.tasks)}")
    console.print(f"space    {manifest.produces_space or manifest.reads_space or 'none'}")
    console.print(f"parity   {parity:.1e} against torch")
