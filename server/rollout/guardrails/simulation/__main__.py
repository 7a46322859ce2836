"""`python -m server.rollout.guardrails.simulation`: how often the guardrails roll back a student
that does no harm, and how soon one that does."""

from time import process_time
from typing import Annotated, Final

import numpy as np
import typer
from scipy.stats import binomtest

from cache.bench.printed import say, table
from server.rollout.guardrails.plan import Plan
from server.rollout.guardrails.simulation.rollouts import CANARY_SHARE, Outcome, looks, tried
from server.rollout.guardrails.simulation.students import STUDENTS

HEAD: Final = (
    "student",
    "rolled back",
    "95 % interval",
    "requests, median",
    "p90",
    "by (share of rollbacks)",
)


def simulate(
    rollouts: Annotated[int, typer.Option(help="Of each student.", min=10)] = 1_000,
    seed: Annotated[int, typer.Option(help="Of the draws.")] = 0,
) -> None:
    """Print, by student, rollbacks and requests of the canary until then."""
    plan, began = Plan(), process_time()
    say(
        f"{rollouts} rollouts of each student, {CANARY_SHARE:.0%} of the traffic, up to "
        f"{plan.most_requests:,} requests of the canary, judged {len(looks(plan))} times; α = "
        f"{plan.alpha:.0%}, seed {seed}\n"
    )
    outcomes = {name: tried(name, rollouts, plan, seed) for name in STUDENTS}
    table(HEAD, [_row(name, outcome) for name, outcome in outcomes.items()])
    proven = next(iter(outcomes.values())).proven
    shares = ", ".join(f"{name} {share:.0%}" for name, share in proven.items())
    say(f"Of the A/A rollouts that reach the end these show that all is well: {shares}.\n")
    say(f"{process_time() - began:.0f} s of processor time.")


def _row(name: str, outcome: Outcome) -> list[str]:
    caught = outcome.caught_at[np.isfinite(outcome.caught_at)]
    count, total = len(caught), len(outcome.caught_at)
    interval = binomtest(count, total).proportion_ci()
    times = [f"{np.quantile(caught, q):,.0f}" if count else "" for q in (0.5, 0.9)]
    by = [f"{each} {times / count:.0%}" for each, times in outcome.by.most_common(3) if times]
    shares = f"{count / total:.1%}", f"{interval.low:.1%} … {interval.high:.1%}"
    return [name, *shares, *times, ", ".join(by)]


if __name__ == "__main__":
    typer.run(simulate)
