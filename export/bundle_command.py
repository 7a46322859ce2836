"""`understudy bundle`: a table of its commands, and `verify`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.markup import escape
from typer.core import TyperGroup

from export.registry.diff_command import diff
from export.registry.options import RegistryUrlIfAny
from export.registry.sign_commands import keys, sign_bundle
from export.registry.sources import fetched
from export.registry.store_commands import (
    collect,
    list_bundles,
    pull_bundle,
    push_bundle,
    show,
)
from models.manifest import SIGNATURE, BundleError
from models.registry.signature import check_signature, read_signature
from models.runtime import Model, load

VERIFY: Final = "verify"


class _VerifiesFolders(TyperGroup):
    """`understudy bundle FOLDER` is `understudy bundle verify FOLDER`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not any(word in self.commands for word in args) and _names_a_folder(args):
            args = [VERIFY, *args]
        return super().parse_args(ctx, args)


bundle = typer.Typer(
    cls=_VerifiesFolders,
    no_args_is_help=True,
    help="Verify bundles, share them by a registry, compare and sign them.",
)


def verify(
    subject: Annotated[str, typer.Argument(metavar="BUNDLE", help="FOLDER, or NAME-VERSION.")],
    registry: RegistryUrlIfAny = None,
    trust: Annotated[
        Path | None, typer.Option(help="PEM file or folder of public keys: one must have signed.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest.")] = False,
) -> None:
    """Verify a bundle as a gateway would before serving it, and say what it is.

    Of a registry, every byte is fetched anew."""
    console = Console()
    try:
        with fetched(subject, registry) as folder:
            signed = _signed(folder, trust)
            model = load(folder)
    except BundleError as error:
        said = escape(f"{type(error).__name__}: {error}")
        console.print(f"[red]refused[/red] {said}", highlight=False)
        raise typer.Exit(1) from error
    if as_json:
        console.print_json(model.manifest.model_dump_json())
    else:
        _say(console, model, signed)


def _signed(folder: Path, trust: Path | None) -> str:
    if trust is not None:
        return f"by {check_signature(folder, trust)}, which is trusted"
    if (folder / SIGNATURE).exists():
        return f"by {read_signature(folder).key}, unchecked: --trust checks it"
    return "no"


def _say(console: Console, model: Model, signed: str) -> None:
    manifest = model.manifest
    parity = max(manifest.parity.max_abs_error.values())
    console.print(f"{manifest.name}-{model.version}: a {manifest.role}, verified")
    console.print(f"tasks    {', '.join(manifest.tasks)}")
    console.print(f"space    {manifest.produces_space or manifest.reads_space or 'none'}")
    console.print(f"parity   {parity:.1e} against torch")
    console.print(f"signed   {signed}", highlight=False)


def _names_a_folder(words: Sequence[str]) -> bool:
    return any(Path(word).is_dir() for word in words)


bundle.command(VERIFY)(verify)
bundle.command("push")(push_bundle)
bundle.command("list")(list_bundles)
bundle.command("show")(show)
bundle.command("pull")(pull_bundle)
bundle.command("diff")(diff)
bundle.command("gc")(collect)
bundle.command("keys")(keys)
bundle.command("sign")(sign_bundle)
