"""A rollout for a terminal."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from server.rollout.guardrails.verdict import Figures, Verdict
from server.rollout.history import Entry
from server.rollout.presence import ALIVE_MS, Presence
from server.rollout.reading import Reading
from server.rollout.state import State

FIRST: Final = "what each gateway was started with"
UNITS: Final = ((86_400.0, "d"), (3600.0, "h"), (60.0, "min"))


def reading_tables(reading: Reading) -> Group:
    tables: list[RenderableType] = [_state_table(reading)]
    if reading.verdict is not None:
        tables.append(_verdict_table(reading.verdict))
    if reading.fleet:
        tables.append(_fleet_table(reading))
    return Group(*tables)


def history_table(entries: Sequence[Entry]) -> Table:
    table = Table("when", "from", "to", "share", "by", "why")
    for each in entries:
        when = datetime.fromtimestamp(each.at_ms / 1000, UTC).isoformat(" ", "seconds")
        after = _place(each.to_stage, each.to_step, each.is_paused)
        row = (when, _place(each.from_stage, each.from_step), after, _percent(each.share))
        table.add_row(*map(_plain, (*row, each.by, each.reason)))
    return table


def _state_table(reading: Reading) -> Table:
    state, held = reading.state, reading.held
    lasts_s = (held.now_ms - held.since_ms) / 1000.0
    table = Table(show_header=False)
    rows = {
        "stage": _stage(state),
        "since": f"{age(lasts_s)} ago, by {state.by}: {state.reason}" if held.revision else "ever",
        "stable": state.stable or FIRST,
        "candidate": state.candidate or "-",
    }
    if state.stage == "done" and held.now_ms < state.keep_until_ms:
        left = age((state.keep_until_ms - held.now_ms) / 1000.0)
        rows["way back"] = f"abort, for another {left}: {state.previous or FIRST}"
    if state.stage == "canary":
        rows["steps"] = _steps(state)
    for name, value in rows.items():
        table.add_row(name, _plain(value))
    return table


def _verdict_table(verdict: Verdict) -> Table:
    head = ("guardrail", "canary", "stable", "harm", "at least", "at most", "margin", "")
    table = Table(*head, title=f"{verdict.requests:,} requests of the canary: {verdict.kind}")
    for name, each in verdict.figures.items():
        numbers = (each.canary, each.stable, each.harm, each.low, each.high, each.margin)
        table.add_row(name, *map(_number, numbers), _judged(name, each, verdict))
    return table


def _fleet_table(reading: Reading) -> Table:
    table = Table("gateway", "seen", "answers from", "candidate", "", title="gateways")
    for name, each in sorted(reading.fleet.items()):
        row = (name, _seen(each, reading.held.now_ms), each.stable_version)
        candidate = f"{each.candidate_version} {each.candidate_state}".strip()
        table.add_row(*map(_plain, (*row, candidate, each.detail or _filled(each))))
    return table


def _judged(name: str, figures: Figures, verdict: Verdict) -> str:
    if name == verdict.by:
        return "rolls back"
    if figures.alpha == 0.0:
        return "limit"
    return "not proven" if name in verdict.unproven else "within"


def _stage(state: State) -> str:
    place = _place(state.stage, state.step, state.is_paused)
    return f"{place}, {_percent(state.share)} of traffic" if state.stage == "canary" else place


def _place(stage: str, step: int, is_paused: bool = False) -> str:
    told = f"{stage} {step + 1}" if stage == "canary" else stage
    return f"{told}, paused" if is_paused else told


def _steps(state: State) -> str:
    shares = map(_percent, state.plan.steps)
    return " → ".join(f"[{s}]" if at == state.step else s for at, s in enumerate(shares))


def _filled(each: Presence) -> str:
    """Since this stage began; a rollout goes on by its latest window."""
    if not each.seen:
        return ""
    held, ready = (f"{share / each.seen:.1%}" for share in (each.held, each.ready))
    return f"of {each.seen:,} candidates {held} held, {ready} ready in the space to come"


def _seen(each: Presence, now_ms: int) -> str:
    ago_ms = max(now_ms - each.seen_ms, 0)
    return "now" if ago_ms <= ALIVE_MS else f"{age(ago_ms / 1000.0)} ago"


def age(seconds: float) -> str:
    for size, unit in UNITS:
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def _percent(share: float) -> str:
    return f"{100 * share:g}%"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _plain(text: str) -> Text:
    """Names and reasons are others' words: no markup, no half characters."""
    return Text(text.encode(errors="replace").decode())
