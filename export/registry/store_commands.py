"""`understudy bundle push`, `list`, `show`, `pull` and `gc`."""

import getpass
import json
import os
import platform
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from cache.clock import wall_clock_ms
from export.registry.options import (
    CACHE_GIB,
    AsJson,
    CacheFolder,
    CacheGib,
    InUse,
    RegistryUrl,
    open_cache,
    references,
)
from export.registry.pushing import Note, Pushed, push
from export.registry.retention import DAY_MS, Plan, Rule, plan, remove
from export.registry.sign_commands import sign_with
from export.registry.tables import gc_table, list_table, show_tables
from models.registry.pulling import pull
from models.registry.registry import Registered, Registry


def push_bundle(
    folder: Annotated[Path, typer.Argument(help="A bundle folder.")],
    registry: RegistryUrl,
    message: Annotated[str, typer.Option(help="One line on why it was made.")] = "",
    sign: Annotated[Path | None, typer.Option(help="Private key to sign with.")] = None,
    by: Annotated[str | None, typer.Option(help="Who pushes.  [default: user@machine]")] = None,
    as_json: AsJson = False,
) -> None:
    """Verify a bundle as a gateway would, and copy it into a registry.

    May be repeated: what is there already is read, and left."""
    note = Note(wall_clock_ms(), by or f"{_user()}@{platform.node()}", message)
    signature = None if sign is None else sign_with(folder, sign)
    pushed = push(Registry.open(registry), folder, note, signature)
    if as_json:
        typer.echo(json.dumps(_pushed_facts(pushed)))
        return
    what = f"{len(pushed.written)} files written" if pushed.written else "was there already"
    Console(highlight=False).print(f"{pushed.reference}: {what}", markup=False)


def list_bundles(registry: RegistryUrl, as_json: AsJson = False) -> None:
    """List a registry's bundles, the newest of each name first."""
    bundles = Registry.open(registry).bundles()
    if as_json:
        typer.echo(json.dumps([_registered_facts(each) for each in bundles]))
        return
    Console().print(list_table(bundles))


def show(
    bundle: Annotated[str, typer.Argument(help="NAME, for its newest, or NAME-VERSION.")],
    registry: RegistryUrl,
    as_json: AsJson = False,
) -> None:
    """Say what a bundle is, from its manifest and entry.

    Its files are not read: `verify` reads them."""
    opened = Registry.open(registry)
    reference = opened.find(bundle)
    manifest, _ = opened.manifest(reference)
    entry = opened.entry_or_none(reference)
    if as_json:
        facts = _registered_facts(Registered(reference, entry))
        typer.echo(json.dumps(facts | {"manifest": manifest.model_dump(mode="json")}))
        return
    for table in show_tables(reference, entry, manifest):
        Console().print(table)


def pull_bundle(
    bundle: Annotated[str, typer.Argument(help="NAME, for its newest, or NAME-VERSION.")],
    registry: RegistryUrl,
    cache: CacheFolder = None,
    cache_gib: CacheGib = CACHE_GIB,
    in_use: InUse = None,
    as_json: AsJson = False,
) -> None:
    """Copy a bundle here, verified, and print its folder."""
    opened = Registry.open(registry)
    reference = opened.find(bundle)
    folder = pull(opened, reference, open_cache(cache, cache_gib, *references(in_use)))
    facts = {"bundle": str(reference), "folder": str(folder)}
    typer.echo(json.dumps(facts) if as_json else folder)


def collect(
    registry: RegistryUrl,
    keep: Annotated[int, typer.Option(min=1, help="The newest of each name that stay.")],
    older_than_days: Annotated[
        float, typer.Option(min=0, help="Of the others, only those pushed before that.")
    ] = 0.0,
    in_use: InUse = None,
    is_confirmed: Annotated[
        bool, typer.Option("--yes", help="Remove; without it, say what would go.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove old bundles, and what pushes of more than a day ago left unfinished.

    Never one in use, nor the teacher of a student that stays."""
    opened = Registry.open(registry)
    used = frozenset(references(in_use))
    planned = plan(opened, Rule(keep, int(older_than_days * DAY_MS), used), wall_clock_ms())
    if is_confirmed:
        remove(opened, planned)
    if as_json:
        typer.echo(json.dumps(_plan_facts(planned) | {"removed": is_confirmed}))
        return
    Console().print(gc_table(planned))
    count = len(planned.going) + len(planned.leftovers)
    said = "are gone" if is_confirmed else "would go: --yes removes them"
    Console().print(f"{count} {said}")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        return f"uid-{os.getuid()}"


def _pushed_facts(pushed: Pushed) -> dict[str, Any]:
    return {
        "bundle": str(pushed.reference),
        "written": list(pushed.written),
        "signed_by": pushed.signed_by,
    }


def _registered_facts(registered: Registered) -> dict[str, Any]:
    reference, entry = registered
    told = None if entry is None else entry.model_dump(mode="json")
    return {"bundle": str(reference), **reference._asdict(), "entry": told}


def _plan_facts(planned: Plan) -> dict[str, Any]:
    return {
        "going": [str(each.reference) for each in planned.going],
        "kept": {str(reference): why for reference, why in planned.kept.items()},
        "leftovers": list(planned.leftovers),
    }
