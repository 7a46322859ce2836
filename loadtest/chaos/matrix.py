"""Scenario after scenario on one site, which is renewed only where it must be."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Final, NamedTuple

from loadtest.chaos.scenario import Chaos
from loadtest.chaos.site import Site, site
from loadtest.chaos.trial import NotCalm, Plan, Trial, execute
from loadtest.chaos.verdict import broken, is_hard, judged
from loadtest.event_loop import run as run_loop

TRIES: Final = 3
"""A scheduler's hiccup may be what was late, twice; it is not what failed."""
NEEDS_STUDENT: Final = "needs --to FOLDER: the serving folder that takes over"

Tell = Callable[[dict[str, Any]], None]


class Limits(NamedTuple):
    p99_ms: float
    tries: int = TRIES


class Grounds:
    """Owns one site at a time. All that one was harmed with, the next scenario meets."""

    def __init__(self, serving: Path, successor: Path | None) -> None:
        self._serving, self._successor = serving, successor
        self._kept = ExitStack()
        self._site: Site | None = None

    @property
    def is_fresh(self) -> bool:
        return self._site is None

    def site(self) -> Site:
        if self._site is None:
            self._site = self._kept.enter_context(site(self._serving, self._successor))
        return self._site

    def close(self) -> None:
        """Of the site: whoever asks for one afterwards gets a fresh one."""
        self._site = None
        self._kept.close()


def run_all(
    chosen: Sequence[Chaos],
    serving: Path,
    successor: Path | None,
    plan: Plan,
    limits: Limits,
    tell: Tell,
) -> list[dict[str, Any]]:
    """One report each, in the order of `chosen`; `tell` hears each as it ends. Raises
    LoadTestError."""
    reports = {}
    with closing(Grounds(serving, successor)) as grounds:
        for chaos in sorted(chosen, key=lambda each: each.is_last):
            if chaos.needs_student and successor is None:
                reports[chaos.name] = skipped(chaos, NEEDS_STUDENT)
            else:
                reports[chaos.name] = _tried(chaos, grounds, plan, limits)
            tell(reports[chaos.name])
    return [reports[chaos.name] for chaos in chosen]


def skipped(chaos: Chaos, why: str) -> dict[str, Any]:
    return {
        "name": chaos.name,
        "about": chaos.about,
        "harms": [harm.words for harm in chaos.harms],
        "lines": [],
        "invalid": None,
        "skipped": why,
    }


def _tried(chaos: Chaos, grounds: Grounds, plan: Plan, limits: Limits) -> dict[str, Any]:
    """Until it holds, or cannot any more. A site on which something broke is not used again."""
    for tries in range(1, limits.tries + 1):
        trial = _executed(chaos, grounds, plan)
        told = {**judged(trial, limits.p99_ms), "tries": tries}
        is_good = not (broken(told) or told["invalid"])
        if chaos.is_last or not is_good:
            grounds.close()
        if is_good or is_hard(told):
            break
    return told


def _executed(chaos: Chaos, grounds: Grounds, plan: Plan) -> Trial:
    """What an earlier scenario left is no fault of this one. Raises NotCalm on a fresh site."""
    is_fresh = grounds.is_fresh
    try:
        return run_loop(execute(chaos, grounds.site(), plan))
    except NotCalm:
        if is_fresh:
            raise
        grounds.close()
        return run_loop(execute(chaos, grounds.site(), plan))
