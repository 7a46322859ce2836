"""Trials made up for tests."""

from collections import Counter
from typing import Any

from loadtest.chaos.callers import Failure
from loadtest.chaos.look import Look, Settled
from loadtest.chaos.scenario import Chaos
from loadtest.chaos.trial import Loaded, Trial
from loadtest.run.answers import Sample
from loadtest.run.faults import Mark
from loadtest.run.figures import Cost, describe
from tests.loadtest.run.reports import OK, samples_of

RATE = 50.0
SECONDS = 10.0
BEGIN_S, END_S = 3.0, 5.0
CALM = Look({"valkey": 1, "ingest": 2, "gateway": 3}, frozenset({4, 5}), 200.0, 0)


def rows(**during: Any) -> list[Sample]:
    """Ten seconds of good answers, those from BEGIN_S to END_S as `during` says."""
    due = [(number + 1) / RATE for number in range(int(RATE * SECONDS))]
    return [OK._replace(due_s=at_s, **(during if BEGIN_S <= at_s < END_S else {})) for at_s in due]


def chaos_of(*harms: dict[str, Any], **more: Any) -> Chaos:
    paused = {"act": "pause", "process": "valkey", "from": BEGIN_S / 10, "until": END_S / 10}
    told = {"name": "t", "about": "It.", "harms": harms or [paused], **more}
    return Chaos.model_validate(told)


def trial(
    kept: list[Sample] | None = None,
    chaos: Chaos | None = None,
    failed: list[Failure] | None = None,
    until_s: float | None = END_S,
    **more: Any,
) -> Trial:
    kept = rows() if kept is None else kept
    samples, chaos = samples_of(*kept), chaos or chaos_of()
    loaded = Loaded(
        kept,
        samples,
        [Mark(chaos.harms[0].words, BEGIN_S, until_s)],
        describe(samples, SECONDS, Cost(0.1, 1)),
    )
    made = Trial(
        chaos, SECONDS, loaded, failed or [], [], {"readers": Counter({202: 40})}, CALM, CALM,
        Settled(0.3, ""),
    )  # fmt: skip
    return made._replace(**more)
