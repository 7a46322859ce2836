"""The replay against live processes, from a cold cache to the report."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

from loadtest.demo.answers_file import write_answers
from loadtest.demo.measuring import measuring_gateways
from loadtest.demo.replay import MAIN, Run, replay
from loadtest.demo.report import compose
from loadtest.outage import Outage
from loadtest.pacing import Pace, compress
from loadtest.pool import Pool
from loadtest.replay_log import LoggedRequest, read_replay
from loadtest.stack import Stack

REPLAY_S: Final = 65.0
OUTAGE_S: Final = 5.0
IN_FLIGHT: Final = 64


def measure(stack: Stack, out: Path, facts: Mapping[str, Any], console: Console) -> dict[str, Any]:
    """The report. Raises LoadTestError."""
    requests = read_replay(out / "serving" / "replay.jsonl")
    pace = compress([logged.timestamp_ms for logged in requests], REPLAY_S)
    outage = Outage(stack.pid("valkey"), at_s=REPLAY_S / 2, length_s=OUTAGE_S)
    with measuring_gateways(out, out / "live", stack) as urls:
        run = asyncio.run(_replay(requests, pace, {MAIN: stack.url, **urls}, outage, console))
    write_answers(out / "answers.jsonl", run.replayed)
    offline = json.loads((out / "run" / "metrics.json").read_text())
    return compose(run, pace, primary_task(out / "serving"), offline, facts)


async def _replay(
    requests: list[LoggedRequest],
    pace: Pace,
    urls: Mapping[str, str],
    outage: Outage,
    console: Console,
) -> Run:
    pools = {name: Pool(url, IN_FLIGHT) for name, url in urls.items()}
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("replaying", total=len(requests))
        run = await replay(requests, pace, pools, outage, lambda: progress.advance(bar))
    for pool in pools.values():
        await pool.close()
    return run


def primary_task(serving: Path) -> str:
    """The task that answers score by: the first of the student's bundle."""
    student = json.loads((serving / "serving.json").read_text())["student"]
    manifest = json.loads((serving / student / "manifest.json").read_text())
    task: str = manifest["tasks"][0]
    return task
