"""`understudy loadtest compare`: is the one slower than the other?"""

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import Progress

from loadtest import options as given
from loadtest.closed_loop import drive_closed
from loadtest.compare import report
from loadtest.compare.blocks import SIDES, Block, Measure, block_of, interleaved
from loadtest.errors import LoadInvalid
from loadtest.event_loop import run
from loadtest.hardware import hardware
from loadtest.json_file import write_json
from loadtest.open_loop import Exchange, drive
from loadtest.pool import Pool
from loadtest.run.answers import sample_of
from loadtest.run.engine import CONNECTIONS, knock
from loadtest.run.plan import Options, plan, prepared
from loadtest.run.samples import Recorder
from loadtest.run.scenario import find_scenario
from loadtest.run.stacks import requests_of, target
from loadtest.trial import settle

JSON: Final = "compare.json"
DISTINCT_S: Final = 60.0


def compare(
    urls: Annotated[
        list[str] | None, typer.Option("--url", help="Two gateways that run: A, then B.")
    ] = None,
    ups: Annotated[
        list[Path] | None, typer.Option("--up", help="Two folders to start: A, then B.")
    ] = None,
    setting: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE, UNDERSTUDY_ variables of B alone.")
    ] = None,
    scenario: given.ScenarioName = "steady",
    rate: given.Rate = 100.0,
    block_s: Annotated[float, typer.Option(min=0.1, help="Length of a block.")] = 5.0,
    rounds: Annotated[int, typer.Option(min=9, max=200, help="Blocks a side.")] = 40,
    requests: given.Requests = None,
    closed: given.Closed = 0,
    wire: given.WireName = "json",
    key_file: given.KeyFile = None,
    seed: given.Seed = 7,
    out: given.Out = None,
    as_json: given.AsJson = False,
) -> None:
    """Send the same load to two gateways in short blocks and tell their ratio, with an interval."""
    options = Options(
        scenario, rate, block_s, requests_of(requests, ups[0] if ups else None), closed=closed,
        wire=wire, key_file=key_file, seed=seed,
    )  # fmt: skip
    with ExitStack() as running:
        aims = _targets(running, urls or [], ups or [], out, _settings(setting or []))
        blocks = run(_blocks(aims, options, rounds))
    told = {**report.as_json(blocks), "targets": aims, "hardware": hardware()}
    _tell(told, out, as_json)


def _targets(
    running: ExitStack,
    urls: Sequence[str],
    ups: Sequence[Path],
    out: Path | None,
    settings: dict[str, str],
) -> list[str]:
    """Raises LoadInvalid unless there are two, all of one kind."""
    if len(urls) + len(ups) != len(SIDES) or (urls and ups):
        raise LoadInvalid("compare two: --url A --url B, or --up A --up B")
    aims = []
    places: list[tuple[str | None, Path | None]] = [(url, None) for url in urls]
    places += [(None, up) for up in ups]
    for side, (url, up) in zip(SIDES, places, strict=True):
        state = None if out is None else out / side
        extra = settings if side == SIDES[1] else {}
        aims.append(running.enter_context(target(url, up, state, extra)).url)
    return aims


def _settings(lines: Sequence[str]) -> dict[str, str]:
    pairs = [line.partition("=") for line in lines]
    if wrong := [name for name, equals, _ in pairs if not equals]:
        raise LoadInvalid(f"--setting {wrong[0]!r}: write NAME=VALUE")
    return {name: value for name, _, value in pairs}


async def _blocks(urls: Sequence[str], options: Options, rounds: int) -> dict[str, list[Block]]:
    scenario = find_scenario(options.scenario)
    ready = prepared(options, scenario, DISTINCT_S)
    async with Pool(urls[0], CONNECTIONS) as first, Pool(urls[1], CONNECTIONS) as second:
        pools = dict(zip(SIDES, (first, second), strict=True))
        for pool in pools.values():
            await knock(pool, ready[1][0])
            await settle(pool, ready[1][0])
        measures = {side: _measure(pool, options, ready) for side, pool in pools.items()}
        for measure in measures.values():
            await measure(-1)  # connections and caches warm up unmeasured
        with Progress(console=Console(stderr=True)) as progress:
            bar = progress.add_task("comparing", total=rounds * len(SIDES))
            return await interleaved(measures, rounds, options.seed, lambda: progress.advance(bar))


def _measure(pool: Pool, options: Options, ready: Any) -> Measure:
    async def measure(number: int) -> Block:
        load = plan(options._replace(seed=options.seed + 1 + number), ready)
        recorder = Recorder()
        keep = _keeping(recorder)
        if load.due_s is None:
            elapsed_s = await drive_closed(pool, load.requests, load.callers, load.seconds, keep)
        else:
            elapsed_s = await drive(pool, load.requests, load.due_s.tolist(), keep)
        return block_of(recorder.samples(), elapsed_s)

    return measure


def _keeping(recorder: Recorder) -> Callable[[Exchange], None]:
    return lambda exchange: recorder.add(sample_of(exchange))


def _tell(told: dict[str, Any], out: Path | None, as_json: bool) -> None:
    if out is not None:
        write_json(out / JSON, told)
    if as_json:
        typer.echo(json.dumps(told))
        return
    console = Console()
    console.print(report.table(told))
    console.print(report.failures(told))
