"""`understudy key`: a new key for `/v1/rank`."""

from hashlib import sha256
from secrets import token_urlsafe
from typing import Annotated

import msgspec
import typer

from server.access.keys_file import Key


def key(
    name: Annotated[str, typer.Argument(help="Name of the key, in metrics and refusals.")],
    candidates_per_s: Annotated[
        float | None, typer.Option(help="Candidates a second; no limit when absent.")
    ] = None,
    burst_candidates: Annotated[
        float | None, typer.Option(help="Candidates at once; a second's worth when absent.")
    ] = None,
    low: Annotated[bool, typer.Option("--low", help="Of low priority.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Count what exceeds the quota, answer it.")] = False,
) -> None:
    """Print a new secret on stderr, and on stdout the lines that let it in."""
    secret = token_urlsafe(32)
    fields = {
        "name": name,
        "sha256": sha256(secret.encode()).hexdigest(),
        "candidates_per_s": candidates_per_s,
        "burst_candidates": burst_candidates,
        "priority": "low" if low else None,
        "dry_run": dry_run or None,
    }
    given = {field: value for field, value in fields.items() if value is not None}
    try:
        msgspec.convert(given, Key)
    except msgspec.ValidationError as error:
        typer.echo(f"understudy key: {error}", err=True)
        raise typer.Exit(2) from error
    typer.echo(f"secret, shown once: {secret}", err=True)
    typer.echo("[[key]]\n" + "\n".join(f"{field} = {_toml(given[field])}" for field in given))


def _toml(value: object) -> str:
    return msgspec.json.encode(value).decode()
