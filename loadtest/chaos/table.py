"""The matrix as a table: on the terminal, and between the marks of a page."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.table import Table

from loadtest.chaos.verdict import broken, outcome

HEAD: Final = (
    "scenario", "what was done", "answers", "which said", "p99 outside / during, ms",
    "coverage before / lowest / after", "well after", "memory",
)  # fmt: skip
REASONS: Final = 3
"""Most that are named."""

Told = Mapping[str, Any]


def row(told: Told) -> list[str]:
    done = "; ".join(told["harms"])
    if told["skipped"]:
        return [told["name"], done, "not run", *("–" for _ in HEAD[3:])]
    outside, during = told["p99_ms"]["outside"], told["p99_ms"]["during"]
    return [
        told["name"],
        done,
        ", ".join(_answers(told)),
        _said(told),
        f"{_ms(outside)} / {_ms(during)}",
        " / ".join(_percent(each) for each in told["coverage"].values()),
        "never" if told["recovered_s"] is None else f"{told['recovered_s']:.2f} s",
        f"{told['grew_mb']:+.1f} MB",
    ]


def _answers(told: Told) -> Iterator[str]:
    yield f"{told['answered']} × 200"
    counts = {
        "× 429": told["shed"],
        "× 504": told["late"],
        "in flight in the killed": told["lost"],
    }
    yield from (f"{count} {word}" for word, count in counts.items() if count)
    yield f"{told['failed']} failed"


def _said(told: Told) -> str:
    """Of the answers while it lasted."""
    named = list(told["said"].items())[:REASONS]
    return ", ".join(f"`{reason}` {count}" for reason, count in named) or "nothing"


def shown(reports: Sequence[Told]) -> Table:
    """For the terminal."""
    table = Table(*HEAD, "outcome", title="chaos", show_lines=True)
    for told in reports:
        cells = [cell.replace("`", "") for cell in row(told)]
        table.add_row(*cells, verdict(told))
    return table


def verdict(told: Told) -> str:
    """In a word, and what broke or was missing."""
    why = broken(told) or [each for each in (told["invalid"], told["skipped"]) if each]
    tries = told.get("tries", 1)
    again = f" at try {tries}" if tries > 1 else ""
    return f"{outcome(told)}{again}" + (f": {'; '.join(why)}" if why else "")


def markdown(reports: Sequence[Told], command: str, date: str, hardware: str) -> str:
    """Broken ones in bold."""
    rule = "|".join("---" for _ in HEAD)
    lines = [f"| {' | '.join(HEAD)} |", f"|{rule}|"]
    for told in reports:
        name, *cells = row(told)
        if outcome(told) not in ("held", "skipped"):
            name = f"**{name}**: {verdict(told)}"
        lines.append(f"| {' | '.join([name, *cells])} |")
    held = sum(outcome(told) == "held" for told in reports)
    ran = sum(not told["skipped"] for told in reports)
    again = sum(told.get("tries", 1) > 1 for told in reports)
    summary = f"{held} of {ran} held" + (f", {again} of them not at the first try" if again else "")
    return "\n".join([*lines, "", f"{summary}. `{command}`, {date}, {hardware}."])


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"
