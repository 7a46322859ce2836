"""Several bundles' models in turn, so that what else the machine does slows all of them alike.

python -m server.side_by_side BUNDLE BUNDLE… --candidates 50,200,1000
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from safetensors.numpy import load_file

from models.features.records import Arrays
from models.manifest import GOLDEN, MODEL
from models.runtime import Model, load
from server.raw_loop import requests_of

TURN: Final = 20
"""Runs of one model before it is the next one's turn; the first two of them are not counted."""
COLD: Final = 2


def medians_ms(models: Sequence[Model], arrays: Arrays, rounds: int) -> list[float]:
    """Of a run, by model."""
    spent: list[list[float]] = [[] for _ in models]
    for _ in range(rounds):
        for model, times in zip(models, spent, strict=True):
            times.extend(_turn(model, arrays))
    return [float(np.median(times)) for times in spent]


def _turn(model: Model, arrays: Arrays) -> list[float]:
    times = []
    for _ in range(TURN):
        began = time.perf_counter()
        model.run(arrays)
        times.append((time.perf_counter() - began) * 1000)
    return times[COLD:]


def side_by_side(
    bundles: Annotated[list[Path], typer.Argument(help="Folders; the first is compared with.")],
    candidates: Annotated[str, typer.Option(help="Sizes of a request, with commas.")] = "200",
    rounds: Annotated[int, typer.Option(min=1, help="Turns of each model.")] = 50,
) -> None:
    """Print size and median run by number of candidates, and its share of the first bundle's."""
    models, golden = [load(bundle) for bundle in bundles], load_file(bundles[0] / GOLDEN)
    sizes = [int(size) for size in candidates.split(",")]
    inputs = models[0].manifest.inputs
    found = {size: medians_ms(models, requests_of(golden, inputs, size), rounds) for size in sizes}
    Console().print(_table(bundles, found))


def _table(bundles: Sequence[Path], found: Mapping[int, Sequence[float]]) -> Table:
    table = Table(box=SIMPLE_HEAD)
    for heading in ("bundle", "bytes", *(f"N = {size}, ms" for size in found)):
        table.add_column(heading, justify="left" if heading == "bundle" else "right")
    for row, bundle in enumerate(bundles):
        cells = [f"{each[row]:.3f} ({each[row] / each[0]:.2f})" for each in found.values()]
        table.add_row(bundle.name, f"{(bundle / MODEL).stat().st_size:,}", *cells)
    return table


if __name__ == "__main__":
    typer.run(side_by_side)
