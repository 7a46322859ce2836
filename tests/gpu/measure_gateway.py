"""A whole gateway on each provider: whether it scores as the CPU does, and what it answers.

python -m tests.gpu.measure_gateway build/demo --providers cpu,cuda,cuda-graphs

An `understudy up` on the CPU keeps the pages, which are filled before anything is measured. The
gateways stand beside it, read the same pages, and are loaded one at a time.
"""

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from loadtest.bench.bodies import Pools, pools_of, requests_of
from loadtest.bench.warm import SETTINGS, warm
from loadtest.capacity.trials import WARM_S
from loadtest.errors import LoadTestError
from loadtest.event_loop import run
from loadtest.json_file import write_json
from loadtest.pool import Pool
from loadtest.run.engine import Load, execute
from loadtest.run.payloads import ITEMS
from loadtest.run.plan import Options, plan
from loadtest.stack import free_port, running_up
from tests.gpu.gateways import HOST, Standing, apart, beside, check_granted
from tests.gpu.page import as_markdown, facts

MODULE: Final = "tests.gpu.measure_gateway"
CALLERS: Final = 16
TOP_K: Final = 20


def pools_with(serving: Path, items: int) -> Pools:
    """Where the log names too few items, also those of the demo's world that it does not name."""
    pools = pools_of(serving)
    unnamed = (f"ad{number:04d}" for number in range(ITEMS))
    return pools._replace(items=list(dict.fromkeys([*pools.items, *unnamed]))[:items])


def as_log(path: Path, pools: Pools, size: int) -> str:
    """Requests of that size as a replay.jsonl; where it is."""
    asked = {"context": pools.context, "item_ids": pools.items[:size], "top_k": TOP_K}
    requests = ({"user_id": user, **asked, "timestamp_ms": 0} for user in pools.users)
    lines = (json.dumps({"request": request, "shown": []}) for request in requests)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def load_of(rate: float, seconds: float, log: str) -> Load:
    load = plan(Options("steady", rate, seconds, log))
    return load._replace(scenario=load.scenario.model_copy(update={"warm_up_s": WARM_S}))


async def warmed(url: str, requests: Sequence[bytes]) -> float:
    async with Pool(url, 1) as pool:
        return await warm(pool, requests)


def compared(first: str, second: str, pools: Pools, size: int) -> dict[str, Any]:
    """All scores of all users, at one time for both."""
    now = {"timestamp_ms": time.time_ns() // 1_000_000, "top_k": size}
    return run(apart(first, second, requests_of(pools, size, now)))._asdict()


def loaded(url: str, load: Load) -> dict[str, Any]:
    """What it answers to callers who ask again at once, and its latency at the load's rate."""
    busy = load._replace(due_s=None, callers=CALLERS)
    return {"busy": run(execute(busy, url)).figures(), "steady": run(execute(load, url)).figures()}


def started(
    kept: ExitStack, source: Path, redis_url: str, names: Sequence[str], out: Path
) -> dict[str, Standing]:
    """Less those that do not get ready; why is said, and in their logs."""
    standing = {}
    for name in names:
        log = out / f"gateway-{name}.log"
        try:
            standing[name] = kept.enter_context(beside(source, redis_url, name, log))
        except LoadTestError as error:
            typer.echo(f"{name}: {error}; {log} ends:\n{log.read_text()[-2000:]}")
    return standing


def keep(out: Path, told: Mapping[str, Any]) -> None:
    """After each row: a run that is cut short leaves what it found."""
    write_json(out / "report.json", told)
    (out / "table.md").write_text(as_markdown(told) + "\n", encoding="utf-8")


def measure(
    source: Annotated[Path, typer.Argument(help="Folder of a demo.")],
    providers: Annotated[str, typer.Option(help="With commas.")] = "cpu,cuda,cuda-graphs",
    sizes: Annotated[str, typer.Option(help="Candidates a request, with commas.")] = "200,1000",
    rate: Annotated[float, typer.Option(min=1, help="Of the steady run, for all.")] = 100.0,
    seconds: Annotated[float, typer.Option(min=1, help="Of each run.")] = 6.0,
    out: Annotated[Path, typer.Option(help="Where it is told.")] = Path("build/gpu"),
) -> None:
    """Print what each provider's gateway answers, and how far its scores are from the CPU's."""
    names, counts = providers.split(","), list(map(int, sizes.split(",")))
    state = out.resolve() / "live"
    shutil.rmtree(out, ignore_errors=True)
    state.mkdir(parents=True)
    pools = pools_with(source / "serving", max(counts))
    rows: list[dict[str, Any]] = []
    told = {**facts(MODULE), "rate": rate, "callers": CALLERS, "rows": rows}
    settings = {**SETTINGS, "UNDERSTUDY_PAGE_ENTRIES": str(max(counts))}
    with ExitStack() as kept:
        up = running_up(source, state, HOST, free_port(HOST), settings, state / "up.log")
        stack = kept.enter_context(up)
        check_granted(stack.url, "cpu")
        standing = started(kept, source, stack.redis_url, names, out)
        for size in counts:
            covered = run(warmed(stack.url, requests_of(pools, size)))
            load = load_of(rate, seconds, as_log(out / f"{size}.jsonl", pools, size))
            for name, gateway in standing.items():
                row: dict[str, Any] = {"candidates": size, "provider": name, **gateway._asdict()}
                row |= {"coverage": covered, **compared(stack.url, gateway.url, pools, size)}
                typer.echo(f"{row}")
                row |= loaded(gateway.url, load)
                rows.append(row)
                keep(out, told)
    typer.echo(as_markdown(told))
    raise typer.Exit(0 if len(standing) == len(names) else 1)


if __name__ == "__main__":
    typer.run(measure)
