"""The replay once more, against a gateway whose student is replaced under way."""

import asyncio
import json
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

from loadtest.demo.replay import MAIN, Run, replay
from loadtest.demo.rollout.admin import Admin
from loadtest.demo.rollout.awaited_outage import AwaitedOutage
from loadtest.demo.rollout.repeated import repeated
from loadtest.demo.rollout.script import Sample, Script
from loadtest.pacing import compress
from loadtest.pool import Pool
from loadtest.replay_log import LoggedRequest, read_replay
from loadtest.stack import Stack, free_port, running_up

PLAN: Final = Path(__file__).with_name("plan.toml")
TURNS: Final = 3
"""How often the log is replayed."""
REPLAY_S: Final = 125.0
"""Of all turns; it ends with the second rollout, if that is earlier."""
OUTAGE_AT_S: Final = 4.0
"""After the better student has its first users."""
OUTAGE_S: Final = 5.0
IN_FLIGHT: Final = 64


class Rehearsed(NamedTuple):
    students: Mapping[str, str]  # "first", "better", "harmful" → folder of the bundle
    run: Run
    samples: list[Sample]
    history: list[dict[str, Any]]
    started_ms: float  # of the replay, by the wall clock
    is_over: bool  # both rollouts came to an end while it lasted
    plan: str  # TOML


def rehearse(folder: Path, host: str, settings: Mapping[str, str], console: Console) -> Rehearsed:
    """`folder` as export.rehearsal leaves it. Raises LoadTestError, TimeoutError."""
    token = secrets.token_hex(16)
    opened = {
        **settings,
        "UNDERSTUDY_ADMIN_TOKEN": token,
        "UNDERSTUDY_REGISTRY": f"file://{(folder / 'registry').resolve()}",
        "UNDERSTUDY_REGISTRY_CACHE": str(folder / "pulled"),
    }
    with running_up(folder, folder / "live", host, free_port(host), opened) as stack:
        return asyncio.run(_rehearse(stack, folder, token, console))


async def _rehearse(stack: Stack, folder: Path, token: str, console: Console) -> Rehearsed:
    students = json.loads((folder / "rehearsal.json").read_text())
    requests = repeated(read_replay(folder / "serving" / "replay.jsonl"), TURNS)
    candidates = {name: bundle for name, bundle in students.items() if name != "first"}
    model = students["first"].rpartition("-")[0]
    async with Pool(stack.url, IN_FLIGHT) as pool, Pool(stack.url, 2) as admins:
        admin = Admin(admins, model, token)
        plan = PLAN.read_text()
        script = Script(admin, plan, candidates)
        started_ms = time.time() * 1000.0
        acting = asyncio.create_task(script.run())
        try:
            run = await _replay(requests, pool, stack, script, console)
            is_over = script.is_over.is_set()
        finally:
            acting.cancel()
            [ended] = await asyncio.gather(acting, return_exceptions=True)
        if isinstance(ended, Exception):
            raise ended
        history = await admin.history()
        return Rehearsed(students, run, script.samples, history, started_ms, is_over, plan)


async def _replay(
    requests: list[LoggedRequest], pool: Pool, stack: Stack, script: Script, console: Console
) -> Run:
    pace = compress([logged.timestamp_ms for logged in requests], REPLAY_S)
    outage = AwaitedOutage(stack.pid("valkey"), OUTAGE_AT_S, OUTAGE_S, script.in_canary)
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("rolling out", total=len(requests))
        advance = lambda: progress.advance(bar)  # noqa: E731
        return await replay(requests, pace, {MAIN: pool}, outage, advance, script.is_over)
