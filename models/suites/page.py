"""A suite run from the command line: printed, and kept as a page that names its command."""

import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from models.data.sources import open_source
from models.suites.measured import DRAWS
from models.suites.plot import draw
from models.suites.suites import Setting, Suite, run_suite
from models.suites.table import Table


def tell_suite(
    suite: Suite, data: str, setting: Setting, as_json: bool, write: Path | None
) -> None:
    """Raises DataError."""
    console = Console()
    started = time.monotonic()
    log = open_source(data)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        tables = run_suite(suite, log, setting, progress)
    if as_json:
        console.print_json(data=[table.as_json() for table in tables])
    else:
        for table in tables:
            console.print(table.markdown(), markup=False, soft_wrap=True)
    if write is not None:
        minutes = (time.monotonic() - started) / 60
        _write(write, tables, _heading(suite, data, setting, log.provenance, minutes))


def _heading(suite: str, data: str, setting: Setting, provenance: str, minutes: float) -> str:
    kind, _, options = data.partition(":")
    named = f"{kind}:PATH" if "=" not in options and options else data
    command = f"understudy evaluate --suite {suite} --data {named} --seeds {len(setting.seeds)}"
    quick = " --quick" if setting.quick else ""
    return (
        f"# {suite.capitalize()}: {kind}\n\n"
        f"`{command}{quick}`, {time.strftime('%Y-%m-%d')}, {minutes:.0f} minutes. Data: "
        f"{provenance}. Mean ± standard deviation over seeds; probabilities calibrated on the "
        "validation window, measured on the test window after it. TR is the share of the "
        "teacher's gain in log loss; the last column is the gain over the student alone, paired "
        f"by impression, with an interval from {DRAWS} draws of users.\n"
    )


def _write(path: Path, tables: Sequence[Table], heading: str) -> None:
    picture = path.with_suffix(".svg")
    draw(tables, picture)
    parts = [heading, *(table.markdown() for table in tables), f"![log loss]({picture.name})\n"]
    path.write_text("\n".join(parts), encoding="utf-8")
