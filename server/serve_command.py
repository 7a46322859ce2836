"""`understudy serve`: one gateway process."""

import gc
import logging
import sys
from pathlib import Path
from typing import Annotated, Final

import typer
import uvicorn
from pydantic import ValidationError

from server.access.errors import KeysInvalid
from server.access.keys_file import read_keys
from server.app import create_app
from server.arrival import StampedProtocol
from server.serving_folder import ServingFolderInvalid, open_serving_folder
from server.settings import Settings, UnknownSetting, load_settings

YOUNG_OBJECTS: Final = 20_000
"""As many new containers are looked at together; by default it is 700, two requests' worth."""


def serve(
    source: Annotated[
        Path | None, typer.Option("--from", help="Serving folder: its student and catalogue.")
    ] = None,
    bundle: Annotated[Path | None, typer.Option(help="Folder of the bundle that answers.")] = None,
    catalogue: Annotated[Path | None, typer.Option(help="Catalogue file.")] = None,
    redis_url: Annotated[str | None, typer.Option(help="URL of Redis.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    replay: Annotated[bool | None, typer.Option(help="Accept timestamp_ms in requests.")] = None,
) -> None:
    """Answer requests until interrupted; options win over UNDERSTUDY_ variables."""
    try:
        if source is not None:
            folder = open_serving_folder(source)
            bundle, catalogue = bundle or folder.student, catalogue or folder.catalogue
        settings = load_settings(
            bundle=bundle,
            catalogue=catalogue,
            redis_url=redis_url,
            host=host,
            port=port,
            replay=replay,
        )
        if settings.keys is not None:
            read_keys(settings.keys)
    except (KeysInvalid, ServingFolderInvalid, UnknownSetting, ValidationError) as error:
        typer.echo(f"understudy serve: {error}", err=True)
        raise typer.Exit(2) from error
    run(settings)


def run(settings: Settings) -> None:
    """Blocking; SIGINT and SIGTERM let requests in work finish."""
    logging.basicConfig(
        level=settings.log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    uvicorn.run(
        create_app(settings, on_ready=rest_collector),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=StampedProtocol,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        log_config=None,
        timeout_graceful_shutdown=10,
    )


def rest_collector() -> None:
    """What is there by now lives for ever, and answers leave hardly any cycles: the collector need
    not walk the one, nor look for the other every few requests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)
