"""What happens to the processes while a load runs: only to those that the tool started itself."""

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from loadtest.errors import LoadInvalid
from loadtest.outage import Outage
from loadtest.run.samples import Samples
from loadtest.run.scenario import Fault, Rollout, Scenario
from loadtest.stack import CLI, Stack


class Mark(NamedTuple):
    """Of the time line, in seconds from the start; `until_s` is None of an instant."""

    what: str
    from_s: float
    until_s: float | None = None


class Staging(NamedTuple):
    """Where faults find what they act on."""

    stack: Stack | None
    successor: Path | None  # serving folder of the student to roll out


STDERR: Final = 2
"""Our own stdout is the result's."""
NOWHERE: Final = Staging(None, None)


def check(scenario: Scenario, staging: Staging) -> None:
    """Raises LoadInvalid, or ProcessMissing, before anything is sent."""
    if scenario.needs_processes and staging.stack is None:
        raise LoadInvalid(
            f"{scenario.name} acts on processes, and only on its own: give --up FOLDER, not --url"
        )
    if staging.stack is not None:
        for fault in scenario.faults:
            staging.stack.pid(fault.process)
    if scenario.rollout is not None and staging.successor is None:
        raise LoadInvalid(f"{scenario.name} needs --to FOLDER: the serving folder that takes over")


async def act(scenario: Scenario, staging: Staging, seconds: float) -> list[Mark]:
    """All of it, at its time; done when the last is over."""
    started = time.monotonic()
    acts = [_fault(each, staging, seconds, started) for each in scenario.faults]
    if scenario.rollout is not None:
        acts.append(_rollout(scenario.rollout, staging, seconds, started))
    return list(await asyncio.gather(*acts))


async def _fault(fault: Fault, staging: Staging, seconds: float, started: float) -> Mark:
    assert staging.stack is not None  # `check` has seen to it
    pid, at_s = staging.stack.pid(fault.process), fault.begins * seconds
    if fault.act == "pause":
        length_s = ((fault.until or 1.0) - fault.begins) * seconds
        began, ended = await Outage(pid, at_s, length_s).run(started)
        return Mark(f"{fault.process} paused", began, ended)
    await asyncio.sleep(max(0.0, started + at_s - time.monotonic()))
    os.kill(pid, signal.SIGKILL)
    return Mark(f"{fault.process} killed", time.monotonic() - started)


async def _rollout(rollout: Rollout, staging: Staging, seconds: float, started: float) -> Mark:
    """The operator's own command. That it was taken is not that it ended: answers tell by their
    `version` when the new student spoke."""
    assert staging.stack is not None
    await asyncio.sleep(max(0.0, started + rollout.at * seconds - time.monotonic()))
    at_s = time.monotonic() - started
    words = ["--redis-url", staging.stack.redis_url, "--to", str(staging.successor)]
    process = await asyncio.create_subprocess_exec(
        *CLI, "rollout", "start", *words, "--plan", rollout.plan, stdout=STDERR
    )
    code = await process.wait()
    return Mark("rollout started" if code == 0 else f"rollout refused ({code})", at_s)


def first_answers(samples: Samples) -> list[Mark]:
    """When a student other than the first one was first heard."""
    firsts = [np.argmax(samples.version == index) for index in range(len(samples.versions))]
    heard = sorted(
        (float(samples.due_s[at]), name) for at, name in zip(firsts, samples.versions, strict=True)
    )
    return [Mark(f"{name} answers", at_s) for at_s, name in heard[1:]]
