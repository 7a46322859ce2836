"""Suites run from the command line: printed, each kept as a page that names its command."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import Progress

from models.data.log import Log
from models.data.sources import open_source
from models.data.user_sample import of_users
from models.suites.measured import DRAWS
from models.suites.plot import draw
from models.suites.suites import SUITES, Setting, Suite, workbenches
from models.suites.table import Table
from models.suites.workbench import Workbench

GAINS: Final = (
    " TR is the share of the teacher's gain in log loss; the last column is the gain over the "
    f"student alone, paired by impression, with an interval from {DRAWS} draws of users."
)


def tell_suites(
    suites: Sequence[Suite], data: str, setting: Setting, as_json: bool, pages: Path | None
) -> None:
    """Writes a page each into the folder `pages`. Raises DataError."""
    console = Console()
    log = _opened(data, setting.users)
    told = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        benches = workbenches(log, setting, progress)
        for suite in suites:
            tables, seconds = _run(suite, benches)
            told.append({"suite": suite, "tables": [table.as_json() for table in tables]})
            if not as_json:
                _print(console, tables)
            if pages is not None:
                heading = _heading(suite, data, setting, log.provenance, seconds)
                _write(pages / f"{suite}-{_kind(data)}.md", tables, heading)
    if as_json:
        console.print_json(data=told)


def _opened(data: str, users: float) -> Log:
    log = open_source(data)
    return log if users == 1 else of_users(log, users)


def _run(suite: Suite, benches: Sequence[Workbench]) -> tuple[list[Table], float]:
    """With the CPU seconds that it would have taken alone."""
    for bench in benches:
        bench.models.begin_suite()
    began = time.process_time()
    tables = SUITES[suite](benches)
    own_s = time.process_time() - began
    return tables, own_s + sum(bench.models.borrowed_s for bench in benches)


def _print(console: Console, tables: Sequence[Table]) -> None:
    for table in tables:
        console.print(table.markdown(), markup=False, soft_wrap=True)


def _kind(data: str) -> str:
    return data.partition(":")[0]


def _heading(suite: str, data: str, setting: Setting, provenance: str, seconds: float) -> str:
    kind, rest = _kind(data), data.partition(":")[2]
    named = f"{kind}:PATH" if "=" not in rest and rest else data
    command = f"understudy evaluate --suite {suite} --data {named} --seeds {len(setting.seeds)}"
    options = f" --users {setting.users:g}" if setting.users < 1 else ""
    options += " --quick" if setting.quick else ""
    cost = f"{time.strftime('%Y-%m-%d')}, {seconds / 60:.0f} minutes of CPU"
    return (
        f"# {suite.capitalize()}: {kind}\n\n"
        f"`{command}{options}`, {cost}. Data: {provenance}. "
        "Mean ± standard deviation over seeds; probabilities calibrated on the "
        "validation window, measured on the test window after it."
    )


def _legend(tables: Sequence[Table]) -> str:
    return GAINS if any("TR" in table.columns for table in tables) else ""


def _write(path: Path, tables: Sequence[Table], heading: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = path.with_suffix(".svg")
    draw(tables, picture)
    parts = [
        f"{heading}{_legend(tables)}\n",
        *(table.markdown() for table in tables),
        f"![log loss]({picture.name})\n",
    ]
    path.write_text("\n".join(parts), encoding="utf-8")
