"""`understudy serve`: one gateway process, or several on one port."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from server.access.errors import KeysInvalid
from server.access.keys_file import read_keys
from server.environment import UnknownSetting, load_settings
from server.listening.port import PortTaken
from server.listening.tls import TlsInvalid, tls_context
from server.processes import ChildFailed
from server.running import allow_connections, log_as, run
from server.serving_folder import ServingFolderInvalid, open_serving_folder
from server.settings import Settings
from server.tracing.errors import TracingMissing
from server.tracing.opening import check_tracing
from server.workers.supervisor import supervise

REFUSED = (
    KeysInvalid,
    ServingFolderInvalid,
    TlsInvalid,
    TracingMissing,
    UnknownSetting,
    ValidationError,
)


def serve(
    source: Annotated[
        list[Path] | None,
        typer.Option("--from", help="Serving folder: its student and catalogue; one for a model."),
    ] = None,
    bundle: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of the bundle that answers; one for a model."),
    ] = None,
    catalogue: Annotated[Path | None, typer.Option(help="Catalogue file.")] = None,
    redis_url: Annotated[str | None, typer.Option(help="URL of Redis.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    replay: Annotated[bool | None, typer.Option(help="Accept timestamp_ms in requests.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that answer.")] = None,
) -> None:
    """Answer requests until interrupted; options win over UNDERSTUDY_ variables."""
    try:
        folders = [open_serving_folder(each) for each in source or ()]
        if len(folders) == 1 and not bundle:
            catalogue = catalogue or folders[0].catalogue
        settings = load_settings(
            bundle=bundle or [each.student for each in folders] or None,
            catalogue=catalogue,
            redis_url=redis_url,
            host=host,
            port=port,
            replay=replay,
            workers=workers,
        )
        tls_context(settings)
        check_tracing(settings)
        if settings.keys is not None:
            read_keys(settings.keys)
    except REFUSED as error:
        typer.echo(f"understudy serve: {error}", err=True)
        raise typer.Exit(2) from error
    if settings.workers == 1:
        run(settings)
    else:
        _supervise(settings)


def _supervise(settings: Settings) -> None:
    log_as("supervisor", settings)
    allow_connections(settings)  # inherited
    try:
        supervise(settings)
    except (ChildFailed, OSError, PortTaken) as error:
        typer.echo(f"understudy serve: {error}", err=True)
        raise typer.Exit(1) from error
