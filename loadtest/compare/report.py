"""What a comparison found, as JSON and on the terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.table import Table

from loadtest.compare.blocks import SIDES, Block, columns
from loadtest.compare.ratio import compared


def as_json(blocks: Mapping[str, Sequence[Block]]) -> dict[str, Any]:
    first, second = (columns(blocks[side]) for side in SIDES)
    ratios = compared(first, second)
    return {
        "sides": {side: _side(blocks[side]) for side in SIDES},
        "ratios": {name: one.as_json() if one else None for name, one in ratios.items()},
        "differs": sorted(name for name, one in ratios.items() if one and one.differs),
    }


def _side(blocks: Sequence[Block]) -> dict[str, Any]:
    medians = {name: float(np.nanmedian(values)) for name, values in columns(blocks).items()}
    requests = sum(block.requests for block in blocks)
    return {
        **medians,
        "requests": requests,
        "failed": sum(block.failed for block in blocks),
        "blocks": [block._asdict() for block in blocks],
    }


def table(told: Mapping[str, Any]) -> Table:
    drawn = Table("", *SIDES, "B ÷ A", "interval", "", title="medians over blocks, ms or a second")
    for name, one in told["ratios"].items():
        cells = [f"{told['sides'][side][name]:.2f}" for side in SIDES]
        if one is None:
            drawn.add_row(name, *cells, "–", "too few blocks", "")
            continue
        interval = f"{one['low']:.3f} to {one['high']:.3f}"
        word = "differs" if one["differs"] else "no difference found"
        drawn.add_row(name, *cells, f"{one['value']:.3f}", interval, word)
    return drawn


def failures(told: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{side} {told['sides'][side]['failed']} of {told['sides'][side]['requests']} not answered"
        for side in SIDES
    )
