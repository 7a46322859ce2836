"""`understudy refresh`: run the teacher behind the cache."""

import asyncio
from typing import Annotated, Literal, NamedTuple

import typer

from cache.connection import connect
from cache.items import ItemFeed
from cache.keys import demand_stream
from cache.quantise import Precision
from cache.redis_store import RedisStore
from cache.redis_streams import RedisStreams
from cache.redis_table import RedisTable
from cache.refresh.consumer import Consumer
from cache.refresh.follower import ItemFollower
from cache.refresh.options import MetricsPort, RedisUrl, ServingFolder
from cache.refresh.pages import RETENTION_S, SEQUENCE, PageWriter, SequencePolicy
from cache.refresh.process import consumer_name, expose, live, say
from cache.refresh.serving import CATALOGUE, teacher_folder
from cache.refresh.tally import Tally
from cache.refresh.teacher import Teacher
from cache.refresh.worker import Refresher
from cache.sequence import MAX_SEQUENCE
from cache.tiers import HARD_TTL_S, SOFT_TTL_S, TtlPolicy
from models.features.catalogue import Catalogue
from models.runtime import load

GROUP = b"refresh"


class Limits(NamedTuple):
    batch: int
    entries: int
    sequence: SequencePolicy
    claim_after_ms: int


def refresh(
    redis_url: RedisUrl,
    serving: ServingFolder,
    soft_ttl_s: Annotated[
        float, typer.Option(envvar="UNDERSTUDY_SOFT_TTL_S", help="Fresh until then.")
    ] = SOFT_TTL_S,
    hard_ttl_s: Annotated[
        float, typer.Option(envvar="UNDERSTUDY_HARD_TTL_S", help="Of use until then.")
    ] = HARD_TTL_S,
    precision: Annotated[Literal["int8", "fp16"], typer.Option(help="Of z in pages.")] = "int8",
    sequence: Annotated[
        int, typer.Option("--sequence-length", min=0, max=MAX_SEQUENCE, help="Of a user's past.")
    ] = SEQUENCE,
    retention_s: Annotated[
        float, typer.Option("--sequence-retention-s", min=1, help="Of a page and its sequence.")
    ] = RETENTION_S,
    page_entries: Annotated[int, typer.Option(min=1, max=4096, help="Kept a user.")] = 512,
    batch_messages: Annotated[int, typer.Option(min=1, max=256, help="Read at once.")] = 16,
    candidate_limit: Annotated[int, typer.Option(min=1, help="Judged at once.")] = 4096,
    claim_after_ms: Annotated[
        int, typer.Option(min=1, help="Take over what another has held so long.")
    ] = 30_000,
    threads: Annotated[int, typer.Option(min=1, help="Of the teacher's session.")] = 1,
    metrics_port: MetricsPort = None,
) -> None:
    """Answer demand with the teacher's word until interrupted. Any number may run."""
    model = load(teacher_folder(serving), threads)
    catalogue = Catalogue.load(serving / CATALOGUE, model.manifest.features.log)
    teacher = Teacher(model, catalogue, candidate_limit)
    tally = Tally("refresh")
    expose(tally, metrics_port)
    ttl = TtlPolicy(soft_ttl_s, hard_ttl_s)
    limits = Limits(
        batch_messages, page_entries, SequencePolicy(sequence, retention_s), claim_after_ms
    )
    code = Precision[precision.upper()]
    say("refresh started", space=teacher.space, model=model.version, items=len(catalogue))
    asyncio.run(_run(redis_url, teacher, catalogue, ttl, code, limits, tally))


async def _run(
    redis_url: str,
    teacher: Teacher,
    catalogue: Catalogue,
    ttl: TtlPolicy,
    precision: Precision,
    limits: Limits,
    tally: Tally,
) -> None:
    client, streams = connect(redis_url), RedisStreams.open(redis_url)
    store, log = RedisStore(client), teacher.schema.log
    feed = ItemFeed(RedisTable(client), streams, 1 + len(log.tasks))
    pages = PageWriter(
        store,
        teacher.space,
        ttl,
        tally,
        precision=precision,
        entry_limit=limits.entries,
        sequence=limits.sequence,
    )
    refresher = Refresher(
        store, teacher, log, pages, ttl, tally, follower=ItemFollower(feed, catalogue)
    )
    consumer = Consumer(
        streams,
        demand_stream(teacher.space),
        GROUP,
        consumer_name(),
        refresher,
        tally,
        batch=limits.batch,
        claim_after_ms=limits.claim_after_ms,
    )
    try:
        await live(consumer, tally, "refresh")
    finally:
        await streams.close()
        await store.close()
