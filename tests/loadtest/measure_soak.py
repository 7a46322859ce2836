"""A soak of `understudy up`, and the same of a gateway that leaks on purpose.

python -m tests.loadtest.measure_soak build/demo --minutes 30 --control-minutes 8 \
    --write docs/performance.md
"""

import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from loadtest.event_loop import run
from loadtest.hardware import hardware
from loadtest.json_file import write_json
from loadtest.marked import fill
from loadtest.run.engine import Load, execute
from loadtest.run.faults import Staging
from loadtest.run.plan import Options, plan
from loadtest.run.scenario import Slopes
from loadtest.run.stacks import requests_of
from loadtest.stack import CLI, free_port, running_up
from tests.loadtest.soak.control import Leak, reading_of
from tests.loadtest.soak.page import as_markdown, draw
from tests.loadtest.typed import as_typed

HOST: Final = "127.0.0.1"
LEAKING: Final = (sys.executable, "-m", "tests.loadtest.soak.leaking")
MARK: Final = "soak"
MODULE: Final = "tests.loadtest.measure_soak"


def soaked(
    source: Path, state: Path, load: Load, program: Sequence[str], settings: Mapping[str, str]
) -> dict[str, Any]:
    """Figures of one run on a stack of its own."""
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir(parents=True)
    port, log = free_port(HOST), state / "up.log"
    with running_up(source, state, HOST, port, settings, log, program) as stack:
        return run(execute(load, stack.url, Staging(stack, None))).figures()


def load_of(source: Path, rate: float, seconds: float, slopes: Slopes) -> Load:
    options = Options("soak", rate, seconds, requests_of(None, source))
    load = plan(options)
    return load._replace(scenario=load.scenario.model_copy(update={"slopes": slopes}))


def measure(
    source: Annotated[Path, typer.Argument(help="Folder of a demo, or a serving folder.")],
    minutes: Annotated[float, typer.Option(min=0.05, help="Of the soak.")] = 30.0,
    control_minutes: Annotated[float, typer.Option(min=0.05, help="Of the one that leaks.")] = 8.0,
    rate: Annotated[float, typer.Option(min=1, help="Requests a second.")] = 100.0,
    window_s: Annotated[float, typer.Option(min=0.1, help="Of the series.")] = 10.0,
    leak_bytes: Annotated[int, typer.Option(min=0, help="Kept a request.")] = 2048,
    leak_delay_us: Annotated[float, typer.Option(min=0, help="Added a request.")] = 1.0,
    out: Annotated[Path, typer.Option(help="Where report.json goes.")] = Path("build/soak"),
    write: Annotated[Path | None, typer.Option(help="Page whose table is filled in.")] = None,
    plot: Annotated[Path | None, typer.Option(help="[default: soak.svg beside --write]")] = None,
) -> None:
    """Tell whether latency and memory grow, and that growth of the control's size would show."""
    began, measured_on, slopes = time.strftime("%Y-%m-%d"), hardware(), Slopes(window_s=window_s)
    leak = Leak(leak_bytes, leak_delay_us, rate)
    sound = soaked(source, out.resolve() / "sound",
                   load_of(source, rate, minutes * 60.0, slopes), CLI, {})  # fmt: skip
    control = soaked(source, out.resolve() / "control",
                     load_of(source, rate, control_minutes * 60.0, slopes), LEAKING,
                     leak.settings)  # fmt: skip
    facts = {"date": began, "hardware": measured_on, "command": as_typed(MODULE)}
    facts["load"] = f"{rate:g} requests/s, {sound['failed']} of {sound['requests']} failed"
    write_json(out / "report.json", {**facts, "sound": sound, "control": control})
    reading = reading_of(sound, control, leak)
    table = as_markdown(reading, facts)
    typer.echo(table)
    if write is not None:
        fill(write, MARK, table)
    picture = plot or (None if write is None else write.with_name("soak.svg"))
    if picture is not None:
        picture.write_text(draw(sound["slopes"], control["slopes"]), encoding="utf-8")
    raise typer.Exit(0 if reading.is_told_apart else 1)


if __name__ == "__main__":
    typer.run(measure)
