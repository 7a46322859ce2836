"""Two searches for the capacity of one `understudy up`, one after the other.

python -m tests.loadtest.measure_capacity build/demo --write docs/performance.md
"""

import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.testing import CliRunner

from loadtest.bench.cores import pin, two_cores
from loadtest.bench.warm import SETTINGS
from loadtest.command import app as commands
from loadtest.errors import StepFailed
from loadtest.hardware import hardware
from loadtest.json_file import write_json
from loadtest.run.stacks import requests_of
from loadtest.stack import free_port, running_up
from tests.loadtest.rows import set_row
from tests.loadtest.typed import as_typed

HOST: Final = "127.0.0.1"
MARK: Final = "loadtest"
MODULE: Final = "tests.loadtest.measure_capacity"
NAME: Final = "`capacity` twice on `understudy up`, the gateway on a core of its own"
LIMITS: Final = ("--limit", "p99_ms=25", "--limit", "errors=0", "--limit", "shed=0")
WARM: Final = ("--rate", "100")


def searched(url: str, requests: str, trial_s: float, warm_s: float) -> dict[str, Any]:
    """`loadtest capacity --repeat 2 --json`, once the log's users have pages."""
    if warm_s:
        _typed(["run", "steady", *WARM, "--seconds", f"{warm_s:g}"], url, requests)
    words = ["capacity", "--repeat", "2", "--seconds", f"{trial_s:g}", *LIMITS]
    return _typed(words, url, requests)


def _typed(words: Sequence[str], url: str, requests: str) -> dict[str, Any]:
    """Raises StepFailed."""
    typed = [*words, "--url", url, "--requests", requests, "--json"]
    result = CliRunner().invoke(commands, typed)
    if not result.stdout.startswith("{"):
        raise StepFailed(f"`loadtest {' '.join(typed)}`: {result.exception!r}")
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def found_words(told: Mapping[str, Any]) -> str:
    rates = " and ".join("none held" if rate is None else f"{rate:.0f}" for rate in told["rates"])
    trials = " and ".join(str(len(search)) for search in told["searches"])
    apart = "" if told["spread"] is None else f", {told['spread']:.1%} apart"
    limit = "; the generator was the limit" if told["generator_is_the_limit"] else ""
    return f"{rates} requests/s{apart}; {trials} trials{limit}"


def measure(
    source: Annotated[Path, typer.Argument(help="Folder of a demo.")],
    trial_s: Annotated[float, typer.Option(min=1)] = 10.0,
    warm_s: Annotated[float, typer.Option(min=0, help="Of load beforehand.")] = 60.0,
    out: Annotated[Path, typer.Option(help="Where report.json goes.")] = Path("build/capacity"),
    write: Annotated[Path | None, typer.Option(help="Page whose row is filled in.")] = None,
) -> None:
    """Search twice and tell how far the two are apart."""
    cores, state = two_cores(), out.resolve() / "live"
    shutil.rmtree(out, ignore_errors=True)
    state.mkdir(parents=True)
    measured = f"{time.strftime('%Y-%m-%d')}, {hardware()}; `{as_typed(MODULE)}`"
    with running_up(source, state, HOST, free_port(HOST), SETTINGS, state / "up.log") as stack:
        pin([pid for name, pid in stack.pids.items() if name != "gateway"], cores.others)
        pin([stack.pid("gateway")], cores.measured)
        pin([os.getpid()], cores.others)
        told = searched(stack.url, requests_of(None, source), trial_s, warm_s)
    write_json(out / "report.json", told)
    cells = [NAME, found_words(told), measured]
    typer.echo(" | ".join(cells))
    if write is not None:
        set_row(write, MARK, cells)


if __name__ == "__main__":
    typer.run(measure)
