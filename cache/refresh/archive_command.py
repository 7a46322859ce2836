"""`understudy archive`: keep served requests as Parquet files."""

import asyncio
from typing import Annotated

import typer

from cache.logs.begin import begin_logs
from cache.logs.masking import secrets_of
from cache.redis_streams import RedisStreams
from cache.refresh.archive import Archive
from cache.refresh.archive_folder import ArchiveFolder
from cache.refresh.archiver import Archiver
from cache.refresh.options import MetricsPort, RedisUrl
from cache.refresh.process import consumer_name, expose, live, say
from cache.refresh.tally import Tally


def archive(
    redis_url: RedisUrl,
    to: Annotated[
        str, typer.Option("--to", help="Folder, or s3://…, gs://…, abfs://… with its package.")
    ],
    batch_messages: Annotated[int, typer.Option(min=1, max=4096, help="Requests a file.")] = 256,
    every_s: Annotated[
        float, typer.Option(min=0.1, help="Write fewer once they have waited so long.")
    ] = 60.0,
    claim_after_ms: Annotated[
        int, typer.Option(min=1, help="Take over what another has held so long.")
    ] = 60_000,
    metrics_port: MetricsPort = None,
) -> None:
    """Write the served stream to Parquet by hour until interrupted. Any number may run."""
    begin_logs("archive", secrets=secrets_of(redis_url))
    folder = ArchiveFolder.open(to)
    tally = Tally("archive")
    expose(tally, metrics_port)
    say("archive started", to=to)
    asyncio.run(_run(redis_url, folder, batch_messages, every_s, claim_after_ms, tally))


async def _run(
    redis_url: str,
    folder: ArchiveFolder,
    batch_messages: int,
    every_s: float,
    claim_after_ms: int,
    tally: Tally,
) -> None:
    streams = RedisStreams.open(redis_url)
    archiver = Archiver(
        streams,
        consumer_name(),
        Archive(folder, tally),
        tally,
        batch=batch_messages,
        every_s=every_s,
        claim_after_ms=claim_after_ms,
    )
    try:
        await live(archiver, tally, "archive")
    finally:
        await streams.close()
