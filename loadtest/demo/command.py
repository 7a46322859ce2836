"""`understudy demo`: from a log to ranked answers, measured through the live gateway."""

import os
import shutil
import signal
import time
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer
from rich.console import Console

from loadtest.demo import page, printing
from loadtest.demo.live import measure
from loadtest.demo.rollout import words
from loadtest.demo.rollout.plot import standing_alone, timeline
from loadtest.demo.rollout.rehearsal import rolled_out
from loadtest.demo.steps import Models, plan, run_steps
from loadtest.json_file import write_json
from loadtest.marked import fill
from loadtest.stack import free_port, running_up

HOST: Final = "127.0.0.1"
FIGURE: Final = "rollout.svg"
SETTINGS: Final = {"UNDERSTUDY_CACHE_TIMEOUT_MS": "30", "UNDERSTUDY_DEADLINE_MS": "500"}
"""Nine processes share a small machine here, where production gives a worker a core of its own."""


def demo(
    data: Annotated[
        str, typer.Option(help="Data source, as `understudy import --data` takes it.")
    ] = "adworld",
    out: Annotated[Path, typer.Option(help="Where everything is kept.")] = Path("build/demo"),
    seed: Annotated[int, typer.Option(help="Seed of the data and of training.")] = 7,
    impressions: Annotated[int, typer.Option(help="Impressions of the synthetic world.")] = 300_000,
    teacher: Annotated[
        str | None, typer.Option(help="Family of the teacher, as `understudy train` takes it.")
    ] = None,
    size: Annotated[
        str | None, typer.Option(help="Size of the teacher, as `understudy train` takes it.")
    ] = None,
    student: Annotated[
        str | None, typer.Option(help="Family of the students, as `understudy train` takes it.")
    ] = None,
    port: Annotated[int, typer.Option(help="Port of the gateway, if it is free.")] = 8080,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what earlier runs left.")] = False,
    write: Annotated[Path | None, typer.Option(help="Page whose table is filled in.")] = None,
    rollout: Annotated[
        bool, typer.Option("--rollout", help="Also roll out a better student, and a harmful one.")
    ] = False,
    write_rollout: Annotated[
        Path | None, typer.Option(help="Page that is told of them; the figure goes beside it.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave it running until Ctrl-C.")] = False,
) -> None:
    """Make data, train, export, serve, replay held-out requests with their events, report."""
    console, out, is_rolled_out = Console(), out.resolve(), rollout or write_rollout is not None
    signal.signal(signal.SIGTERM, _leave)
    if fresh:
        shutil.rmtree(out, ignore_errors=True)
    models = Models(teacher, size, student)
    seconds = run_steps(plan(out, data, seed, impressions, models), out, console.print)
    # Before, not beside, what is timed: and what --keep leaves running is the demo's own.
    rollouts = {"rollout": rolled_out(out, HOST, SETTINGS, console)} if is_rolled_out else {}
    shutil.rmtree(out / "live", ignore_errors=True)  # every replay starts from a cold cache
    with running_up(out, out / "live", HOST, free_port(HOST, port), SETTINGS) as stack:
        facts: dict[str, Any] = {"data": data, "seed": seed, "date": time.strftime("%Y-%m-%d")}
        facts |= {"models": models._asdict()}
        facts |= {"settings": {name: os.environ.get(name, SETTINGS[name]) for name in SETTINGS}}
        facts |= {"step_seconds": seconds, "urls": _urls(stack.url)}
        report = measure(stack, out, facts, console) | rollouts
        _tell(report, out, console)
        _fill(report, write, write_rollout)
        if keep:
            _wait(stack.url, console)


def _tell(report: dict[str, Any], out: Path, console: Console) -> None:
    write_json(out / "report.json", report)
    (out / "report.html").write_text(page.render(report), encoding="utf-8")
    printing.show(report, console)
    console.print(f"report          {out / 'report.json'}, {out / 'report.html'}", soft_wrap=True)


def _fill(report: dict[str, Any], page: Path | None, rollouts: Path | None) -> None:
    if page is not None:
        fill(page, "demo", printing.as_markdown(report))
    if rollouts is not None:
        fill(rollouts, "demo", words.as_markdown(report))
        rollouts.with_name(FIGURE).write_text(standing_alone(timeline(report["rollout"])))


def _urls(url: str) -> dict[str, str]:
    return {name: f"{url}/{name}" for name in ("docs", "metrics", "readyz", "v1/rank")}


def _wait(url: str, console: Console) -> None:
    console.print(f"still serving at {url}; Ctrl-C stops it")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        console.print("stopping")


def _leave(*_: object) -> NoReturn:
    """SIGTERM ends the demo as Ctrl-C does, with everything that it started."""
    raise SystemExit(128 + signal.SIGTERM)
