"""`understudy items`: what was told of items, folded into a catalogue file."""

import asyncio
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from cache.catalogue_feed import CatalogueFeed
from cache.catalogue_rows import CatalogueRows, Layout
from cache.catalogue_writer import CatalogueWriter
from cache.clock import wall_clock_ms
from cache.connection import connect
from cache.items import ItemFeed
from cache.logs.begin import begin_logs
from cache.logs.masking import secrets_of
from cache.redis_streams import RedisStreams
from cache.redis_table import RedisTable
from cache.refresh.item_layout import layout_of
from cache.refresh.options import RedisUrl
from cache.refresh.process import say
from models.features.catalogue import Catalogue
from models.features.folded import folded, holds

DAY_MS: Final = 86_400_000
ANSWER_MS: Final = 30_000.0


def items(
    action: Annotated[
        Literal["export"], typer.Argument(help="export: fold what changed into a new file.")
    ],
    catalogue: Annotated[Path, typer.Option(help="Catalogue file that workers run on now.")],
    out: Annotated[Path, typer.Option(help="File to write; replaced at once when it is there.")],
    redis_url: RedisUrl,
    removed_days: Annotated[
        float, typer.Option(min=0, help="A removed item is known as such for so long.")
    ] = 30.0,
    prune: Annotated[
        bool,
        typer.Option(help="Delete rows from Redis that --catalogue holds already. Not while "
                     "a worker runs on an older file."),
    ] = False,
) -> None:  # fmt: skip
    """Keep the catalogue file, and with it each worker's memory of changes, up to date."""
    begin_logs("items", secrets=secrets_of(redis_url))
    asyncio.run(export_items(redis_url, catalogue, out, removed_days, prune))


async def export_items(
    redis_url: str, catalogue: Path, out: Path, removed_days: float, prune: bool
) -> None:
    """Raises StoreUnavailable, CatalogueError."""
    base = Catalogue.load(catalogue)
    client = connect(redis_url, answer_ms=ANSWER_MS)
    table, streams = RedisTable(client), RedisStreams(client)
    layout = layout_of(base.schema)
    try:
        changes = await _changes(CatalogueFeed(table, streams, layout), layout)
        forget_before_ms = wall_clock_ms() - round(removed_days * DAY_MS)
        made = folded(base, changes, forget_before_ms)
        async for counts in ItemFeed(table, streams, made.counters.shape[1]).parts():
            made.count(counts)
        made.save(out)
        held = holds(base, changes, forget_before_ms)
        say("exported", items=len(made), before=len(base), told=len(held), new=int((~held).sum()))
        if prune:
            forgotten = await CatalogueWriter(client, layout).forget(changes.part(held))
            say("pruned", rows=forgotten)
    finally:
        await client.aclose()


async def _changes(feed: CatalogueFeed, layout: Layout) -> CatalogueRows:
    return layout.joined([part async for part in feed.parts()]).last_of_each()
