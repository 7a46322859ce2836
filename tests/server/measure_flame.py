"""Where the gateway's processor time goes when it never waits, by py-spy's samples.

python -m tests.server.measure_flame build/demo --write docs/performance.md

It needs the right to trace: root, or CAP_SYS_PTRACE.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import psutil
import typer

from loadtest.bench.bodies import pools_of, requests_of
from loadtest.bench.cores import pin, two_cores
from loadtest.bench.warm import SETTINGS, warm
from loadtest.closed_loop import drive_closed
from loadtest.event_loop import run
from loadtest.hardware import hardware
from loadtest.marked import fill
from loadtest.open_loop import Exchange
from loadtest.pool import Pool
from loadtest.stack import Stack, free_port, running_up
from tests.loadtest.typed import as_typed
from tests.server.flame.picture import draw
from tests.server.flame.stacks import read_stacks
from tests.server.flame.table import as_markdown

HOST: Final = "127.0.0.1"
MARK: Final = "flame"
MODULE: Final = "tests.server.measure_flame"
PROGRAM: Final = Path(sys.executable).with_name("py-spy")
CANDIDATES: Final = 200
PATIENT: Final = {**SETTINGS, "UNDERSTUDY_DEADLINE_MS": "1500"}
"""Nobody is shed: what is profiled is answering."""
LEAD_S: Final = 3.0
"""Of load before the first sample, and after the last."""


def recording(program: Path, pid: int, seconds: float, hertz: int, out: Path) -> list[str]:
    """Without stopping the process: stopped a hundred times a second, its threads take other turns
    than they do by themselves, and the one that runs the model is seen half as often as it runs."""
    words = ["record", "--pid", str(pid), "--duration", f"{seconds:.0f}", "--rate", str(hertz)]
    words += ["--nonblocking", "--function", "--format", "raw", "--output", str(out)]
    return [str(program), *words]


async def loaded(
    stack: Stack, requests: list[bytes], callers: int, seconds: float, command: list[str]
) -> tuple[float, float, str | None]:
    """Answers a second, the kernel's share of the main thread, py-spy's last words where it
    failed."""
    answered: list[bool] = []

    def keep(exchange: Exchange) -> None:
        answered.append(exchange.answer is not None and exchange.answer.status == 200)

    async with Pool(stack.url, callers) as pool:
        await warm(pool, requests)
        loading = asyncio.create_task(
            drive_closed(pool, requests, callers, seconds + 2 * LEAD_S, keep)
        )
        await asyncio.sleep(LEAD_S)
        before = threads_s(stack.pid("gateway"))
        recorder = await asyncio.create_subprocess_exec(
            *command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        _, said = await recorder.communicate()
        share = main_share(before, threads_s(stack.pid("gateway")), stack.pid("gateway"))
        per_second = sum(answered) / await loading
        refused = why_not(recorder.returncode or 0, said.decode(errors="replace"))
        return per_second, share, refused


def threads_s(pid: int) -> dict[int, float]:
    """Processor time so far, by thread."""
    return {each.id: each.user_time + each.system_time for each in psutil.Process(pid).threads()}


def main_share(before: Mapping[int, float], after: Mapping[int, float], main: int) -> float:
    spent = {thread: until - before.get(thread, 0.0) for thread, until in after.items()}
    return spent[main] / max(sum(spent.values()), 1e-9)


def why_not(code: int, said: str) -> str | None:
    """None where it recorded."""
    if code == 0:
        return None
    told = next((line for line in said.splitlines() if line.startswith("Error")), said.strip())
    missing = any(word in said.lower() for word in ("permission denied", "not permitted"))
    remedy = "run as root or with CAP_SYS_PTRACE (in a container: --cap-add SYS_PTRACE)"
    return f"py-spy could not record: {told}" + (f": {remedy}" if missing else "")


def measure(
    source: Annotated[Path, typer.Argument(help="Folder of a demo.")],
    callers: Annotated[int, typer.Option(min=1, help="Who each ask again at once.")] = 32,
    seconds: Annotated[float, typer.Option(min=1, help="Of samples.")] = 60.0,
    hertz: Annotated[int, typer.Option(min=10, max=1000, help="Samples a second.")] = 100,
    out: Annotated[Path, typer.Option(help="Where stacks.txt goes.")] = Path("build/flame"),
    write: Annotated[Path | None, typer.Option(help="Page whose tables are filled in.")] = None,
) -> None:
    """Print shares by stage and the frames that take most; draw the stacks."""
    if not PROGRAM.exists():
        typer.echo(f"{PROGRAM} is not there: `make install`", err=True)
        raise typer.Exit(2)
    facts = {"date": time.strftime("%Y-%m-%d"), "hardware": hardware(),
             "command": as_typed(MODULE)}  # fmt: skip
    requests, cores = requests_of(pools_of(source / "serving"), CANDIDATES), two_cores()
    state, stacks_file = out.resolve() / "live", out.resolve() / "stacks.txt"
    shutil.rmtree(out, ignore_errors=True)
    state.mkdir(parents=True)
    with running_up(source, state, HOST, free_port(HOST), PATIENT, state / "up.log") as stack:
        pin([pid for name, pid in stack.pids.items() if name != "gateway"], cores.others)
        pin([stack.pid("gateway")], cores.measured)
        pin([os.getpid()], cores.others)  # ourselves, and py-spy after us
        command = recording(PROGRAM, stack.pid("gateway"), seconds, hertz, stacks_file)
        per_second, share, refused = run(loaded(stack, requests, callers, seconds, command))
    if refused is not None:
        typer.echo(refused, err=True)
        raise typer.Exit(2)
    facts["load"] = f"overloaded by {callers} callers, {per_second:.0f} answers/s of {CANDIDATES}"
    facts["main_share"] = f"{share:.0%}"
    stacks = read_stacks(stacks_file.read_text(encoding="utf-8"))
    table = as_markdown(stacks, facts)
    typer.echo(table)
    if write is not None:
        fill(write, MARK, table)
        write.with_name("flame.svg").write_text(draw(stacks), encoding="utf-8")


if __name__ == "__main__":
    typer.run(measure)
