"""`understudy up`: everything that serves, on one machine, under one supervisor."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, NamedTuple
from urllib.request import urlopen

import typer

from cache.embedded import EmbeddedValkey
from server.processes import Child, Processes
from server.serving_folder import ServingFolder, open_serving_folder
from server.settings import load_settings

POLL_S: Final = 0.1


class PortTaken(Exception):
    """Something else listens where the gateway would."""


class Redis(NamedTuple):
    url: str
    pid: int | None  # of the embedded server; nobody's when the URL was given


def up(
    source: Annotated[
        Path, typer.Option("--from", help="Folder of a demo, or a serving folder.")
    ] = Path("build/demo"),
    host: Annotated[str, typer.Option(help="Address that the gateway listens on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port that the gateway listens on.")] = 8080,
    state: Annotated[
        Path | None, typer.Option(help="Where logs and Valkey's data go.  [default: FROM/live]")
    ] = None,
) -> None:
    """Run Valkey, gateway, refresher and ingest until interrupted."""
    serving = open_serving_folder(source)
    _check_free(host, port)
    folder = (state or source / "live").resolve()
    with _redis(folder) as redis:
        reached = "127.0.0.1" if host in ("0.0.0.0", "::") else host
        facts = {"redis_url": redis.url, "url": f"http://{reached}:{port}"}
        processes = Processes(folder, facts, typer.echo)
        if redis.pid is not None:
            processes.note("valkey", redis.pid)
        asyncio.run(_run(processes, _children(serving, redis.url, host, port), facts["url"]))
    typer.echo("stopped")


def _check_free(host: str, port: int) -> None:
    """Raises PortTaken: a stranger's gateway there would be mistaken for ours."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(
                f"cannot listen on {host}:{port}: {error.strerror}: stop what does, "
                "or choose another with --port"
            ) from error


@contextmanager
def _redis(folder: Path) -> Iterator[Redis]:
    given = load_settings().redis_url
    if given is not None:
        yield Redis(given, None)
        return
    valkey = EmbeddedValkey(folder / "valkey")
    try:
        yield Redis(valkey.start(), valkey.pid)
    finally:
        valkey.stop()


def _children(serving: ServingFolder, redis_url: str, host: str, port: int) -> list[Child]:
    env = {**os.environ, "UNDERSTUDY_REDIS_URL": redis_url, "PYTHONUNBUFFERED": "1"}
    gateway = {
        "UNDERSTUDY_BUNDLE": str(serving.student),
        "UNDERSTUDY_CATALOGUE": str(serving.catalogue),
        "UNDERSTUDY_HOST": host,
        "UNDERSTUDY_PORT": str(port),
    }
    cli = (sys.executable, "-m", "understudy")
    return [
        Child("ingest", (*cli, "ingest", "--load", str(serving.path)), env),
        Child("refresher", (*cli, "refresh", "--from", str(serving.path)), env),
        Child("gateway", (*cli, "serve"), env | gateway),
    ]


async def _run(processes: Processes, children: list[Child], url: str) -> None:
    """Until a signal. Raises ChildFailed when a child ends before the gateway is ready."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    keepers = [asyncio.create_task(processes.keep(child)) for child in children]
    stopping = asyncio.create_task(stop.wait())
    announcing = asyncio.create_task(_announce(processes, url))
    try:
        ended, _ = await asyncio.wait([*keepers, stopping], return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
    finally:
        for task in (*keepers, stopping, announcing):
            task.cancel()
        await asyncio.gather(*keepers, stopping, announcing, return_exceptions=True)


async def _announce(processes: Processes, url: str) -> None:
    typer.echo(f"logs in {processes.folder}")
    for what in ("docs", "metrics", "readyz"):
        typer.echo(f"{what:<8} {url}/{what}")
    while not processes.is_ready:
        await asyncio.sleep(POLL_S)
        processes.is_ready = await asyncio.to_thread(_is_ready, url)
    typer.echo("ready")


def _is_ready(url: str) -> bool:
    try:
        with urlopen(f"{url}/readyz", timeout=1.0) as answer:
            return bool(answer.status == 200)
    except OSError:  # nothing listens yet, or 503 while it warms up
        return False
