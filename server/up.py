"""`understudy up`: everything that serves, on one machine, under one supervisor."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple
from urllib.request import urlopen

import typer

from cache.embedded import EmbeddedValkey
from cache.logs.begin import begin_logs
from cache.logs.masking import secrets_of
from server.environment import load_settings
from server.listening.port import check_free
from server.processes import Child, Processes
from server.serving_folder import ServingFolder, open_serving_folder
from server.settings import Settings

POLL_S: Final = 0.1
BACKSTAGE: Final = 10
"""Niceness of what nobody waits for: on one machine it has what the gateway leaves."""
GATEWAY_GRACE_S: Final = 30.0


class TlsGiven(Exception):
    """Its parts and its callers are on one machine."""


class Redis(NamedTuple):
    url: str
    embedded: EmbeddedValkey | None  # None when the URL was given: somebody else keeps it


def up(
    source: Annotated[
        Path, typer.Option("--from", help="Folder of a demo, or a serving folder.")
    ] = Path("build/demo"),
    host: Annotated[str, typer.Option(help="Address that the gateway listens on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port that the gateway listens on.")] = 8080,
    workers: Annotated[int | None, typer.Option(help="Gateway processes.")] = None,
    state: Annotated[
        Path | None, typer.Option(help="Where logs and Valkey's data go.  [default: FROM/live]")
    ] = None,
    gateway_redis_url: Annotated[
        str | None, typer.Option(help="Where the gateway alone finds Redis: a proxy before it.")
    ] = None,
) -> None:
    """Run Valkey, gateway, refresher and ingest until interrupted."""
    settings = load_settings(host=host, port=port, workers=workers)
    secrets = secrets_of(settings.redis_url)
    begin_logs("up", form=settings.log_format, level=settings.log_level, secrets=secrets)
    if settings.tls_certificate is not None:
        raise TlsGiven("`up` speaks plain HTTP: unset UNDERSTUDY_TLS_…, or use `understudy serve`")
    serving = open_serving_folder(source)
    check_free(host, port)
    folder = (state or source / "live").resolve()
    with _redis(folder, settings.redis_url) as redis:
        if redis.embedded is not None:  # another one may have a password in its URL
            typer.echo(f"redis    {redis.url}")
        reached = "127.0.0.1" if host in ("0.0.0.0", "::") else host
        facts = {"redis_url": redis.url, "url": f"http://{reached}:{port}"}
        processes = Processes(folder, facts, typer.echo)
        wanted = children(serving, redis.url, settings, gateway_redis_url)
        asyncio.run(_run(processes, redis, wanted, facts["url"]))
    typer.echo("stopped")


@contextmanager
def _redis(folder: Path, given: str | None) -> Iterator[Redis]:
    if given is not None:
        yield Redis(given, None)
        return
    valkey = EmbeddedValkey(folder / "valkey", save_on_stop=True)
    try:
        yield Redis(valkey.start(), valkey)
    finally:
        valkey.stop()


def children(
    serving: ServingFolder, redis_url: str, settings: Settings, gateway_redis_url: str | None = None
) -> list[Child]:
    cli = (sys.executable, "-m", "understudy")
    source = ("--from", str(serving.path))
    env = {
        **os.environ,
        "UNDERSTUDY_REDIS_URL": redis_url,
        # The refresher has defaults of its own: an age must mean the same on both sides.
        "UNDERSTUDY_SOFT_TTL_S": str(settings.soft_ttl_s),
        "UNDERSTUDY_HARD_TTL_S": str(settings.hard_ttl_s),
    }
    # Nobody stands before it who would send requests elsewhere.
    env.setdefault("UNDERSTUDY_DRAIN_S", "0")
    grace_s = GATEWAY_GRACE_S + float(env["UNDERSTUDY_DRAIN_S"])
    gateway_env = {**env, "UNDERSTUDY_REDIS_URL": gateway_redis_url or redis_url}
    # That these have started is read from their logs.
    behind = {**env, "UNDERSTUDY_LOG_LEVEL": "debug" if settings.log_level == "debug" else "info"}
    listen = ("--host", settings.host, "--port", str(settings.port))
    count = ("--workers", str(settings.workers))
    return [
        Child(
            "ingest",
            (*cli, "ingest", "--load", str(serving.path)),
            behind,
            "ingest started",
            BACKSTAGE,
        ),
        Child("refresher", (*cli, "refresh", *source), behind, "refresh started", BACKSTAGE),
        Child("gateway", (*cli, "serve", *source, *listen, *count), gateway_env, grace_s=grace_s),
    ]


async def _run(processes: Processes, redis: Redis, wanted: list[Child], url: str) -> None:
    """Until a signal. Raises ChildFailed when a child ends before everything is ready."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    ending: list[asyncio.Task[Any]] = [asyncio.create_task(processes.keep(c)) for c in wanted]
    ending.append(asyncio.create_task(stop.wait()))
    if redis.embedded is not None:
        ending.append(asyncio.create_task(_keep_valkey(processes, redis.embedded)))
    announcing = asyncio.create_task(_announce(processes, wanted, url))
    try:
        ended, _ = await asyncio.wait(ending, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
    finally:
        for task in (*ending, announcing):
            task.cancel()
        await asyncio.gather(*ending, announcing, return_exceptions=True)


async def _keep_valkey(processes: Processes, valkey: EmbeddedValkey) -> None:
    """Until cancelled. A Valkey that died has lost users since its last save: ingest loads them."""
    while True:
        if valkey.pid is None:
            valkey.start()
            processes.restart("ingest")
            typer.echo("valkey ended; started again with what it last saved")
        processes.note("valkey", valkey.pid)
        await asyncio.sleep(POLL_S)


async def _announce(processes: Processes, wanted: list[Child], url: str) -> None:
    typer.echo(f"logs in {processes.folder}")
    for what in ("docs", "metrics", "readyz"):
        typer.echo(f"{what:<8} {url}/{what}")
    while not processes.is_ready:
        await asyncio.sleep(POLL_S)
        is_up = await asyncio.to_thread(_answers, f"{url}/readyz")
        processes.is_ready = is_up and all(map(processes.has_started, wanted))
    typer.echo("ready")


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=1.0) as answer:
            return bool(answer.status == 200)
    except OSError:  # nothing listens yet, or 503 while it warms up
        return False
