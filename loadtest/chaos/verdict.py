"""What must hold of a trial, whatever the harm was."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from loadtest.chaos.crowds import EXPECTED
from loadtest.chaos.figures import tell
from loadtest.chaos.scenario import Chaos, Kill
from loadtest.chaos.trial import Trial
from loadtest.run.verdict import why_invalid

P99_MS: Final = 100.0
RESTARTED_WITH: Final = {"valkey": "ingest"}
"""Who dies, and who is started again with it: ingest loads the users that were lost."""


class Line(NamedTuple):
    name: str
    holds: bool
    text: str
    is_hard: bool = False
    """Not to be had by bad luck: a run in which it broke is not tried again."""


def judged(trial: Trial, p99_ms: float = P99_MS) -> dict[str, Any]:
    """chaos.json's entry of one scenario."""
    told = tell(trial)
    lines = [*_hard(trial, told), *_soft(trial.chaos, told, p99_ms)]
    return {
        **told,
        "lines": [line._asdict() for line in lines],
        "invalid": why_invalid(told),
        "skipped": None,
    }


def broken(told: Mapping[str, Any]) -> list[str]:
    return [line["text"] for line in told["lines"] if not line["holds"]]


def is_hard(told: Mapping[str, Any]) -> bool:
    return any(line["is_hard"] and not line["holds"] for line in told["lines"])


def outcome(told: Mapping[str, Any]) -> str:
    if told["skipped"]:
        return "skipped"
    if broken(told):
        return "broken"
    return "invalid" if told["invalid"] else "held"


def _hard(trial: Trial, told: Mapping[str, Any]) -> Iterator[Line]:
    why = f": {told['why'] or told['statuses']}" if told["failed"] else ""
    text = f"{told['failed']} of {told['requests']} requests failed{why}"
    yield Line("failed", told["failed"] == 0, text, True)
    for who, statuses in told["visitors"].items():
        wrong = {each: n for each, n in statuses.items() if int(each) not in EXPECTED[who]}
        # One in flight in a worker that was killed got nothing, and does not say from whom.
        is_fine = not wrong or (set(wrong) == {"0"} and _kills(trial.chaos, "worker") > 0)
        yield Line(who, is_fine, f"{who} were answered with {statuses}", True)
    ended = sorted(_ended(trial))
    yield Line("processes", not ended, f"{', '.join(ended) or 'nobody'} ended unharmed", True)
    raised = trial.after.tracebacks - trial.before.tracebacks
    yield Line("log", raised <= 0, f"{raised} tracebacks in the gateway's log", True)


def _ended(trial: Trial) -> Iterator[str]:
    """Who is not who it was, and was not killed."""
    killed: set[str] = {harm.process for harm in trial.chaos.harms if isinstance(harm, Kill)}
    killed |= {RESTARTED_WITH[name] for name in killed if name in RESTARTED_WITH}
    for name, pid in trial.before.pids.items():
        if name not in killed and trial.after.pids[name] != pid:
            yield name
    gone = len(trial.before.workers - trial.after.workers)
    if gone > _kills(trial.chaos, "worker"):
        yield f"{gone} workers"


def _kills(chaos: Chaos, process: str) -> int:
    return sum(isinstance(harm, Kill) and harm.process == process for harm in chaos.harms)


def _soft(chaos: Chaos, told: Mapping[str, Any], p99_ms: float) -> Iterator[Line]:
    if chaos.says:
        share = told["said_share"]
        holds = share is not None and share >= chaos.least
        text = f"{_percent(share)} of the answers said {chaos.says}, at least {chaos.least:.0%}"
        yield Line("says", holds, text)
    given_up = told["late"]
    yield Line("late", given_up == 0, f"{given_up} were given up past their deadline (504)")
    p99 = told["p99_ms"]["outside"]
    holds = p99 is not None and p99 <= p99_ms
    yield Line("p99", holds, f"p99 outside {_number(p99)} ms, at most {p99_ms:g} ms")
    took = told["recovered_s"]
    holds = took is not None and took <= chaos.recover_s
    yield Line("recovered", holds, f"well after {_number(took)} s, at most {chaos.recover_s:g} s")
    grew = told["grew_mb"]
    text = f"memory grew by {grew:.1f} MB, at most {chaos.grows_mb:g}"
    yield Line("memory", grew <= chaos.grows_mb, text)
    text = told["left"] or f"all was settled {_number(told['settled_s'])} s after the load"
    yield Line("settled", told["settled_s"] is not None, text)
    if chaos.needs_student:
        heard = len(told["versions"])
        yield Line("rollout", heard > 1, f"{heard} students answered, the new one among them")


def exit_code(reports: Sequence[Mapping[str, Any]]) -> int:
    """As of `loadtest run`: 0 held, 1 broken, 3 invalid."""
    outcomes = {outcome(told) for told in reports}
    return 1 if "broken" in outcomes else 3 if "invalid" in outcomes else 0


def _percent(value: float | None) -> str:
    return "none" if value is None else f"{value:.0%}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
