"""`python -m loadtest.peers`: Understudy and other servers, each with the same student."""

import json
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from loadtest.bench.cores import pin, two_cores
from loadtest.errors import LoadTestError
from loadtest.hardware import hardware
from loadtest.json_file import write_json
from loadtest.marked import fill
from loadtest.peers.contest import Contest
from loadtest.peers.pipeline import OURS
from loadtest.peers.plot import draw
from loadtest.peers.report import as_markdown, read_report, size_as_json
from loadtest.peers.table import named
from loadtest.peers.tensors import cases

MARK: Final = "peers"
PLOT: Final = "peers.svg"
CHECK_S: Final = 2.0


def bench_peers(
    source: Annotated[Path, typer.Option("--from", help="Folder of a demo.")] = Path("build/demo"),
    out: Annotated[Path, typer.Option(help="Where environments, logs and report.json go.")] = Path(
        "build/peers"
    ),
    peers: Annotated[str, typer.Option(help="Which, with commas.  [default: all]")] = "",
    sizes: Annotated[str, typer.Option(help="Candidates a request.")] = "50,200,500,1000",
    trial_s: Annotated[float, typer.Option(min=0.1, help="Seconds of each trial.")] = 4.0,
    check: Annotated[
        bool, typer.Option("--check", help="Two seconds of each, no search, no report.")
    ] = False,
    write: Annotated[Path | None, typer.Option(help="Page whose tables are filled in.")] = None,
) -> None:
    """Find the highest rate of each at p99 ≤ 25 ms; figures measured before are kept."""
    names = named([name for name in peers.split(",") if name], list(OURS))
    contest = _contest(
        source, out, sorted(map(int, sizes.split(","))), CHECK_S if check else trial_s, not check
    )
    measured_on = hardware()
    # What is told to stop stops its servers first.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    pin([os.getpid()], contest.cores.others)
    if check:
        failed = [name for name in names if "reason" in _entry(contest, name)]
        raise typer.Exit(len(failed))
    report = read_report(out / "report.json", measured_on)
    for name in names:
        entry = _entry(contest, name)
        earlier = report.get(name, {}).get("sizes", {})
        report[name] = {**entry, "sizes": {**earlier, **entry["sizes"]}}
        write_json(out / "report.json", {"hardware": measured_on, "peers": report})
    _publish(report, measured_on, out, write)


def _contest(
    source: Path, out: Path, sizes: Sequence[int], trial_s: float, is_searched: bool
) -> Contest:
    student = json.loads((source / "serving" / "serving.json").read_text())["student"]
    bundle = source / "serving" / student
    return Contest(
        source, bundle, out, two_cores(), cases(bundle, sizes), trial_s, is_searched, typer.echo
    )


def _entry(contest: Contest, name: str) -> dict[str, Any]:
    sizes: dict[str, Any] = {}
    entry = {"date": time.strftime("%Y-%m-%d"), "sizes": sizes}
    try:
        for size, measured in contest.entry(name):
            sizes[str(size)] = size_as_json(measured)
    except (LoadTestError, TimeoutError) as error:
        contest.say(f"{name}: not measured: {error!r}")
        entry["reason"] = str(error) or repr(error)
    return entry


def _publish(report: dict[str, Any], measured_on: str, out: Path, page: Path | None) -> None:
    tables = as_markdown(report, measured_on)
    typer.echo(tables)
    draw(report, out / PLOT)
    if page is not None:
        draw(report, page.parent / PLOT)
        fill(page, MARK, f"{tables}\n\n![Share of the raw loop by server]({PLOT})")


if __name__ == "__main__":
    typer.run(bench_peers)
