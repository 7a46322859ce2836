"""Trials of a capacity search against a gateway."""

from collections.abc import Callable
from typing import Any, Final

from loadtest.capacity.ceiling import Trial
from loadtest.event_loop import run
from loadtest.pool import Pool
from loadtest.run.budget import Budget, Percentiles
from loadtest.run.engine import Load, execute
from loadtest.run.percentile import CLAIMED, fewest
from loadtest.run.plan import Options, plan, prepared
from loadtest.run.scenario import find_scenario
from loadtest.run.verdict import Exit, settle
from loadtest.trial import settle as settle_down

WARM_S: Final = 1.0
MARGIN: Final = 1.1
LONGER: Final = 3.0
DISTINCT_S: Final = 60.0


def trials(
    url: str, options: Options, budget: Budget, say: Callable[[str], None]
) -> Callable[[float, bool], Trial]:
    """All with the same requests, each with arrivals of its own rate."""
    scenario = find_scenario(options.scenario)
    ready = prepared(options, scenario, DISTINCT_S)
    trial_s = options.seconds or scenario.seconds

    def attempt(rate: float, confirms: bool) -> Trial:
        seconds = max(trial_s, needs(budget) * MARGIN / rate) * (LONGER if confirms else 1.0)
        load = plan(options._replace(rate=rate, seconds=seconds), ready)
        calm = scenario.model_copy(update={"warm_up_s": WARM_S})
        trial = judged(rate, run(_measured(url, load._replace(scenario=calm))), budget)
        say(_words(trial, confirms))
        return trial

    return attempt


async def _measured(url: str, load: Load) -> dict[str, Any]:
    async with Pool(url, 1) as pool:
        await settle_down(pool, load.requests[0])
    return (await execute(load, url)).figures()


def judged(rate: float, figures: dict[str, Any], budget: Budget) -> Trial:
    verdict = settle(figures, budget)
    return Trial(
        rate=rate,
        holds=verdict["exit_code"] == Exit.HELD,
        why=verdict["invalid"] or "; ".join(verdict["broken"]),
        is_generators=verdict["invalid"] is not None,
        p99_ms=figures["latency_ms"]["p99"].get("value"),
    )


def needs(budget: Budget) -> int:
    """Answers before every percentile of the budget can be told."""
    asked = [_needs(limits) for limits in (budget, *budget.stages.values())]
    return max(asked)


def _needs(limits: Percentiles) -> int:
    named = {name for name in CLAIMED if getattr(limits, f"{name}_ms", None) is not None}
    return max((fewest(CLAIMED[name]) for name in named), default=1)


def _words(trial: Trial, confirms: bool) -> str:
    kind = "confirming " if confirms else ""
    return f"{kind}{trial.rate:.1f}/s: " + ("held" if trial.holds else trial.why)
