"""`python -m tests.server.rollout.evidence.measure_shadow`: what a shadow costs those who wait.

One lane answers an open-loop Poisson load in this process, in turns without a shadow and with one
of every request; times are from the planned arrival.
"""

import asyncio
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, Final

import msgspec
import numpy as np
import typer

from cache.bench.printed import say, table
from server.ranked import Ranked
from server.stages import StageClock
from server.wire import RankRequest
from tests.bundles import serving_folder
from tests.server.conftest import Served
from tests.server.kept import body_of
from tests.server.rollout.evidence.shadowed import Pairing, pairing

WARM_UP: Final = 200


def measure(
    rate: Annotated[float, typer.Option(help="Requests a second.")] = 100.0,
    seconds: Annotated[float, typer.Option(help="Of a turn.")] = 2.0,
    turns: Annotated[int, typer.Option(help="Of each, by turns.")] = 12,
    candidates: Annotated[int, typer.Option(help="Of a request.")] = 200,
) -> None:
    """Print p50, p95 and p99 by share that is shadowed."""
    say(f"{rate:g} requests a second of {candidates} candidates, {turns} turns of {seconds:g} s\n")
    asyncio.run(_measure(rate, round(rate * seconds), turns, candidates))


async def _measure(rate: float, count: int, turns: int, candidates: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        served, other = _served(Path(folder) / "one"), Path(folder) / "other"
        other.mkdir()
        worlds = {
            share: await pairing(served, other, shadow_share=share) for share in (1e-9, 0.1, 1.0)
        }
        took: dict[float, list[float]] = {share: [] for share in worlds}
        bodies = [body_of(number % 4, candidates) for number in range(8)]
        requests = [msgspec.convert(body, RankRequest) for body in bodies]
        for world in worlds.values():
            await _load(world, requests, rate, WARM_UP)
        for turn in range(turns):
            for share in sorted(worlds, reverse=bool(turn % 2)):
                took[share] += await _load(worlds[share], requests, rate, count)
        table(["shadowed", "p50", "p95", "p99", "compared"], [
            _row(share, took[share], world) for share, world in worlds.items()
        ])  # fmt: skip


async def _load(
    world: Pairing, requests: list[RankRequest], rate: float, count: int
) -> list[float]:
    """Milliseconds."""
    running = asyncio.create_task(world.shadow.run())
    rng = np.random.default_rng(count)
    due_s = perf_counter() + rng.exponential(1.0 / rate, count).cumsum()
    answers = []
    for number, at_s in enumerate(due_s.tolist()):
        await asyncio.sleep(max(at_s - perf_counter(), 0.0))
        answers.append(asyncio.create_task(_answer(world, requests[number % 8], at_s)))
    took = await asyncio.gather(*answers)
    running.cancel()
    await asyncio.wait([running])
    return took


async def _answer(world: Pairing, request: RankRequest, due_s: float) -> float:
    ranked: Ranked = await world.stable.ranker.rank(request, StageClock())
    took_ms = (perf_counter() - due_s) * 1e3
    # Each is another request to the choice of what is shadowed.
    world.shadow.offer(ranked._replace(now_ms=round(due_s * 1e6)), "")
    return took_ms


def _row(share: float, took: list[float], world: Pairing) -> list[str]:
    figures = [f"{np.percentile(took, at):.2f} ms" for at in (50, 95, 99)]
    return [f"{share:.0%}", *figures, f"{world.pairs()[2] / len(took):.0%}"]


def _served(folder: Path) -> Served:
    folder.mkdir()
    made: Any = serving_folder(folder)
    named = {path.name.partition("-")[0]: path for path in made.iterdir() if path.is_dir()}
    return Served(made, named["student"], named["teacher"], named["alone"])


if __name__ == "__main__":
    typer.run(measure)
