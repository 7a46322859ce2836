"""What each rung of the degradation ladder takes of a gateway's time.

python -m server.rungs build/demo

One request after another, from a Valkey of its own; no HTTP is in the totals.
"""

import tempfile
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple, cast

import numpy as np
import typer
import uvloop

from cache.bench.printed import say
from cache.embedded import EmbeddedValkey
from server.admission import Cost
from server.cache_links import cache_links
from server.cache_share import REQUESTS, Asked, answered, asked_of
from server.errors import Overloaded
from server.lane import Lane, build_lane, load_model, load_stand_in
from server.metrics import Metrics
from server.ranked import Ranked
from server.serving_folder import ServingFolder, open_serving_folder
from server.settings import Settings
from server.stages import StageClock

ROUNDS: Final = 5
SHED: Final = "shed"


class BrokenSession:
    """In place of a session of ONNX Runtime."""

    def run(self, *arguments: Any) -> Any:
        raise RuntimeError("broken, to measure what answers instead")


class Rung(NamedTuple):
    name: str
    settings: dict[str, Any]
    is_broken: bool = False  # the lane's model raises
    is_cut_off: bool = False  # the cache is not asked


class Timed(NamedTuple):
    p50_us: float
    said: str  # what the answer says of it


def rungs_of(serving: ServingFolder) -> list[Rung]:
    [alone] = serving.path.glob("alone-*")
    return [
        Rung("full", {}),
        Rung("stale teacher", {"soft_ttl_s": 1e-3}),
        Rung("no teacher", {"breaker_open_ms": 1e9}, is_cut_off=True),
        Rung("stand-in", {"stand_in_bundle": alone}, is_broken=True),
        Rung("prior rates", {}, is_broken=True),
        Rung(SHED, {}),
    ]


def print_rungs(
    source: Annotated[Path, typer.Argument(help="Folder of a demo, or a serving folder.")],
) -> None:
    """Print what a request takes on each rung at p50, for 200 candidates."""
    serving = open_serving_folder(source)
    with tempfile.TemporaryDirectory() as folder, EmbeddedValkey(Path(folder) / "data") as server:
        timed = uvloop.run(_measured(serving, server.url))
    full_us = timed["full"].p50_us
    say("| rung | p50, µs | of the full answer | the answer says |\n| --- | ---: | ---: | --- |")
    for name, (p50_us, said) in timed.items():
        say(f"| {name} | {p50_us:.0f} | {p50_us / full_us:.2f} | {said} |")


async def _measured(serving: ServingFolder, url: str) -> dict[str, Timed]:
    """The rungs in turn, round after round, the best round of each."""
    best: dict[str, Timed] = {}
    async with AsyncExitStack() as links:
        lanes = {rung.name: await _lane(serving, url, rung, links) for rung in rungs_of(serving)}
        for _ in range(ROUNDS):
            for name, (lane, asked) in lanes.items():
                timed = await (_refused(lane, asked) if name == SHED else _round(lane, asked))
                best[name] = min(best.get(name, timed), timed)
    return best


async def _lane(
    serving: ServingFolder, url: str, rung: Rung, closing: AsyncExitStack
) -> tuple[Lane, Asked]:
    given: dict[str, Any] = {
        "bundle": serving.student, "redis_url": url, "replay": True, "served_share": 0.0,
        "cache_timeout_ms": 1000.0, "deadline_ms": 10_000.0, "soft_ttl_s": 86_400.0,
    }  # fmt: skip
    settings = Settings(**given | rung.settings)
    links = cache_links(settings)
    closing.push_async_callback(links.close)
    model, catalogue = load_model(settings, serving.student, serving.catalogue)
    asked = await asked_of(serving, model.manifest, links)
    while rung.is_cut_off and not links.breaker.is_open:
        links.breaker.failed()
    stand_in = load_stand_in(settings, model.manifest)
    model = replace(model, session=cast("Any", BrokenSession())) if rung.is_broken else model
    folder = serving.student
    return build_lane("stable", folder, model, catalogue, links, Metrics(), stand_in), asked


async def _round(lane: Lane, asked: Asked) -> Timed:
    spent = []
    for _ in range(REQUESTS):
        ranked, clock = await answered(lane, asked.request)
        spent.append(clock.total_ns)
    return Timed(float(np.median(spent)) / 1e3, _said(lane, ranked))


async def _refused(lane: Lane, asked: Asked) -> Timed:
    """Of a gateway that has more in work than could be done in time."""
    spent = []
    lane.admission.cost = Cost(0.0, 1000.0)
    for _ in range(REQUESTS):
        clock = StageClock()
        with suppress(Overloaded):
            await lane.ranker.rank(asked.request, clock)
        clock.mark("queue")
        spent.append(clock.total_ns)
    return Timed(float(np.median(spent)) / 1e3, "429, `Retry-After`")


def _said(lane: Lane, ranked: Ranked) -> str:
    degraded = lane.answers.write(ranked).degraded
    return ", ".join(f"`{each.stage}: {each.reason}`" for each in degraded) or "nothing"


if __name__ == "__main__":
    typer.run(print_rungs)
