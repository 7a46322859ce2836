"""`python -m server.rollout.guardrails.simulation`: how often the default plan rolls back a student
that does no harm, and how soon one that does."""

from pathlib import Path
from time import process_time
from typing import Annotated, Final

import typer

from cache.bench.printed import say
from server.rollout.guardrails.errors import MarksMissing
from server.rollout.guardrails.simulation.report import as_markdown, hours, write
from server.rollout.guardrails.simulation.rollouts import Outcome, tried
from server.rollout.guardrails.simulation.stages import Stage, stages_of
from server.rollout.guardrails.simulation.students import ALIKE, STUDENTS
from server.rollout.plan import DEFAULT

RATE: Final = 50.0
"""Requests a second in all."""


def simulate(
    rollouts: Annotated[int, typer.Option(help="Of each student.", min=10)] = 1_000,
    seed: Annotated[int, typer.Option(help="Of the draws.")] = 0,
    page: Annotated[
        Path | None, typer.Option("--write", help="Page with marks to write the table between.")
    ] = None,
) -> None:
    """Print, by student, rollbacks and the stage they come in."""
    began, stages = process_time(), stages_of(DEFAULT, RATE)
    outcomes = {name: tried(name, rollouts, stages, seed) for name in STUDENTS}
    text = "\n".join(
        [
            f"{rollouts:,} rollouts of each student at {RATE:g} requests a second, α = "
            f"{DEFAULT.guardrails.alpha:.0%}, seed {seed}.\n",
            as_markdown(outcomes, stages),
            "",
            _of_the_good(outcomes[ALIKE], stages),
        ]
    )
    say(text)
    if page is not None:
        _write(page, text)
    say(f"\n{process_time() - began:.0f} s of processor time.")


def _of_the_good(outcome: Outcome, stages: list[Stage]) -> str:
    took = hours(outcome, stages, RATE, DEFAULT.shadow_share)
    first = stages[1]
    proven = ", ".join(
        f"{name} {shares[1]:.0%}"
        for name, shares in outcome.proven.items()
        if first.guardrails.alpha_of(name)
    )
    return (
        f"A/A rollouts take {took:.1f} h (median). At the end of the step at {first.name} these "
        f"had shown that all is well: {proven}."
    )


def _write(page: Path, text: str) -> None:
    try:
        write(page, text)
    except (MarksMissing, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


if __name__ == "__main__":
    typer.run(simulate)
