"""`understudy neighbours`: lend users what was said to others like them."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from cache.connection import connect
from cache.logs.begin import begin_logs
from cache.logs.masking import secrets_of
from cache.redis_store import RedisStore
from cache.refresh.neighbour_lending import NeighbourRules
from cache.refresh.neighbour_loop import NeighbourLoop
from cache.refresh.neighbour_shelf import Width
from cache.refresh.options import MetricsPort, RedisUrl
from cache.refresh.process import DRAIN_S, expose, live, say
from cache.refresh.refresh_options import HardTtlS
from cache.refresh.tally import Tally
from cache.tiers import HARD_TTL_S
from models.manifest import Manifest, read_manifest


class ReadsNoNeighbours(Exception):
    """The bundle is of no student that was trained with the neighbour tier."""


def neighbours(
    redis_url: RedisUrl,
    bundle: Annotated[Path, typer.Option(help="Of the student that reads the neighbour tier.")],
    hard_ttl_s: HardTtlS = HARD_TTL_S,
    every_s: Annotated[
        float, typer.Option(min=1, help="From the end of one round to the next.")
    ] = 3600.0,
    nearest_users: Annotated[
        int, typer.Option(min=1, max=1024, help="Most similar users that may lend.")
    ] = 32,
    entries: Annotated[int, typer.Option(min=1, max=4096, help="Lent to a user.")] = 256,
    max_users: Annotated[
        int, typer.Option(min=2, max=1_000_000, help="In memory: 60 bytes an entry at d = 32.")
    ] = 20_000,
    metrics_port: MetricsPort = None,
) -> None:
    """Lend each user what a teacher said to similar users, until interrupted."""
    begin_logs("neighbours", secrets=secrets_of(redis_url))
    manifest, version = read_manifest(bundle)
    space, width = read_space(manifest)
    rules = NeighbourRules(hard_ttl_s, every_s, nearest_users, entries=entries)
    tally = Tally("neighbours")
    expose(tally, metrics_port)
    say("neighbours started", space=space, model=version)
    asyncio.run(_run(redis_url, space, width, rules, max_users, tally))


def read_space(manifest: Manifest) -> tuple[str, Width]:
    """Raises ReadsNoNeighbours."""
    features = manifest.features
    if manifest.reads_space is None or "neighbour" not in features.teacher_tiers:
        raise ReadsNoNeighbours(
            f"bundle {manifest.name} reads the tiers {', '.join(features.teacher_tiers) or 'none'} "
            "below the pair: give a student trained with --tier neighbour"
        )
    return manifest.reads_space, Width(features.teacher_dim, len(features.log.tasks))


async def _run(
    redis_url: str, space: str, width: Width, rules: NeighbourRules, max_users: int, tally: Tally
) -> None:
    client = connect(redis_url)
    store = RedisStore(client)
    try:
        loop = NeighbourLoop(client, store, space, width, rules, max_users, tally)
        await live(loop, tally, "neighbours", DRAIN_S)
    finally:
        await store.close()
