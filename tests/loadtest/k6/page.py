"""What both generators say of the same gateway, as docs/performance.md has it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from loadtest.compare.ratio import F64, cut_off, walsh_averages
from tests.loadtest.k6.summary import ITERATION, REQUEST, Block

DUE: Final = "due"
SENT: Final = "sent"
ROWS: Final = {
    ("ours", DUE): "`understudy loadtest`, from when it was due",
    ("ours", SENT): "`understudy loadtest`, from when it was sent",
    ("k6", REQUEST): "k6, `http_req_duration`",
    ("k6", ITERATION): "k6, `iteration_duration`",
}
FIELDS: Final = ("p50_ms", "p99_ms")
ALPHA: Final = 0.05
WITHIN: Final = 0.05
FEW: Final = "too few rounds"


class Middle(NamedTuple):
    value: float
    low: float
    high: float


def middle(values: F64) -> Middle | None:
    """Hodges and Lehmann's median of the blocks, with Wilcoxon's interval, on logarithms. None
    where blocks are too few for one: six are enough."""
    cut = cut_off(len(values), ALPHA)
    if cut < 0:
        return None
    averages = walsh_averages(np.log(values))
    return Middle(*(float(np.exp(at)) for at in (np.median(averages), averages[cut],
                                                   averages[-1 - cut])))  # fmt: skip


def agreement(blocks: Mapping[str, Sequence[Block]], field: str) -> Middle | None:
    """Ours ÷ k6's, by round: each counts from where it always does."""
    return middle(_column(blocks, "ours", DUE, field) / _column(blocks, "k6", REQUEST, field))


def as_markdown(blocks: Mapping[str, Sequence[Block]], facts: Mapping[str, Any]) -> str:
    lines = [
        f"{facts['date']}, {facts['hardware']}; k6 {facts['k6']}, {facts['rate']:g} requests/s; "
        f"`{facts['command']}`.",
        "",
        "| what is timed | p50, ms | p99, ms | CPU of the generator a request, µs |",
        "|---|---|---|---|",
        *(_row(blocks, *key) for key in ROWS),
        f"| the first ÷ the third | {' | '.join(_ratio(blocks, field) for field in FIELDS)} | |",
        "",
        _words(blocks),
    ]
    return "\n".join(lines)


def _row(blocks: Mapping[str, Sequence[Block]], side: str, start: str) -> str:
    told = [middle(_column(blocks, side, start, field)) for field in FIELDS]
    cells = [ROWS[side, start], *map(_cell, told)]
    cells += [f"{np.median([block.cpu_us for block in blocks[side]]):.0f}"]
    return f"| {' | '.join(cells)} |"


def _cell(one: Middle | None) -> str:
    return FEW if one is None else f"{one.value:.2f} ({one.low:.2f} to {one.high:.2f})"


def _ratio(blocks: Mapping[str, Sequence[Block]], field: str) -> str:
    one = agreement(blocks, field)
    return FEW if one is None else f"**{one.value:.3f}** ({one.low:.3f} to {one.high:.3f})"


def _words(blocks: Mapping[str, Sequence[Block]]) -> str:
    told = {field.removesuffix("_ms"): agreement(blocks, field) for field in FIELDS}
    near = [f"{name} {_verdict(one)}" for name, one in told.items()]
    lost = ", ".join(_lost(side, each) for side, each in blocks.items())
    return f"{'; '.join(near)}. Failed or dropped: {lost}."


def _lost(side: str, blocks: Sequence[Block]) -> str:
    lost = sum(block.failed + block.dropped for block in blocks)
    return f"{side} {lost} of {sum(block.requests for block in blocks)}"


def _verdict(one: Middle | None) -> str:
    if one is None:
        return "cannot be told"
    apart = abs(one.value - 1.0)
    return f"{'within' if apart <= WITHIN else 'not within'} {WITHIN:.0%}"


def _column(blocks: Mapping[str, Sequence[Block]], side: str, start: str, field: str) -> F64:
    return np.array([getattr(block.timed[start], field) for block in blocks[side]], np.float64)
