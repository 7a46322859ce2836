"""`understudy ingest`: fold events into user records and item counters."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from cache.connection import connect
from cache.errors import StoreUnavailable
from cache.keys import EVENTS_STREAM
from cache.logs.begin import begin_logs
from cache.logs.masking import secrets_of
from cache.redis_store import RedisStore
from cache.redis_streams import RedisStreams
from cache.redis_table import RedisTable
from cache.refresh.consumer import Consumer
from cache.refresh.ingest import Ingest
from cache.refresh.item_counts import ItemCounts
from cache.refresh.load import load_items, load_users
from cache.refresh.options import MetricsPort, RedisUrl
from cache.refresh.process import consumer_name, expose, live, say, warn
from cache.refresh.serving import CATALOGUE, USERS
from cache.refresh.tally import Tally
from cache.store import Store
from cache.table import Table
from models.features.catalogue import Catalogue
from models.features.snapshot import UsersSnapshot

GROUP = b"ingest"
PROGRESS_EVERY = 10_000
LOAD_PAUSE_S = 2.0


def ingest(
    redis_url: RedisUrl,
    serving: Annotated[
        Path | None,
        typer.Option("--from", help="Serving folder whose log schema the events follow."),
    ] = None,
    load: Annotated[
        Path | None,
        typer.Option(
            help="Serving folder to begin with: its users and item counters, unless known."
        ),
    ] = None,
    record_ttl_s: Annotated[
        float, typer.Option(min=0, help="A user unseen so long is forgotten; 0 = never.")
    ] = 0.0,
    batch_messages: Annotated[int, typer.Option(min=1, max=256, help="Read at once.")] = 16,
    claim_after_ms: Annotated[
        int, typer.Option(min=1, help="Take over what another has held so long.")
    ] = 30_000,
    metrics_port: MetricsPort = None,
) -> None:
    """Keep users and items up to date from the events stream until interrupted."""
    begin_logs("ingest", secrets=secrets_of(redis_url))
    folder = load or serving
    if folder is None:
        raise typer.BadParameter("give --load DIR, or --from DIR when the cache is loaded already")
    catalogue = Catalogue.load(folder / CATALOGUE)
    users = UsersSnapshot.load(folder / USERS) if load else None
    tally = Tally("ingest")
    expose(tally, metrics_port)
    asyncio.run(
        _run(
            redis_url, catalogue, users, record_ttl_s or None, batch_messages, claim_after_ms, tally
        )
    )


async def _run(
    redis_url: str,
    catalogue: Catalogue,
    users: UsersSnapshot | None,
    record_ttl_s: float | None,
    batch_messages: int,
    claim_after_ms: int,
    tally: Tally,
) -> None:
    client, streams = connect(redis_url), RedisStreams.open(redis_url)
    store, table = RedisStore(client), RedisTable(client)
    schema = catalogue.schema
    try:
        if users is not None:
            await _load(users, catalogue, store, table, record_ttl_s)
        worker = Ingest(
            store, ItemCounts(table, streams, schema), schema, tally, record_ttl_s,
            own_s=claim_after_ms / 1000.0,
        )  # fmt: skip
        consumer = Consumer(
            streams, EVENTS_STREAM, GROUP, consumer_name(), worker, tally,
            batch=batch_messages, claim_after_ms=claim_after_ms,
        )  # fmt: skip
        say("ingest started", tasks=schema.tasks)
        await live(consumer, tally, "ingest")
    finally:
        await streams.close()
        await store.close()


async def _load(
    users: UsersSnapshot, catalogue: Catalogue, store: Store, table: Table, ttl_s: float | None
) -> None:
    """Waits for a cache that is away, or no cluster yet: both are started at once."""
    while True:
        try:
            written_users = await load_users(users, store, ttl_s, _progress)
            written_items = await load_items(catalogue, table, _progress)
            break
        except StoreUnavailable as error:
            warn("ingest waits", reason=str(error))
            await asyncio.sleep(LOAD_PAUSE_S)
    say("loaded", users=written_users, items=written_items)


def _progress(what: str, done: int, total: int) -> None:
    if done == total or done % PROGRESS_EVERY == 0:
        say("loading", what=what, done=done, total=total)
