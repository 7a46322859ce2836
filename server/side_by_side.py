"""Several bundles' models in turn, so that what else the machine does slows all of them alike.

python -m server.side_by_side BUNDLE BUNDLE… --candidates 50,200,1000
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer
from pydantic import TypeAdapter
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from safetensors.numpy import load_file

from models.features.records import Arrays
from models.manifest import GOLDEN, MODEL
from models.providers.execution import Execution, Provider
from models.runtime import Model, load
from server.raw_loop import requests_of

TURN: Final = 20
"""Runs of one model before it is the next one's turn; the first two of them are not counted."""
COLD: Final = 2
GRAPHS: Final = "-graphs"


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
    providers: Annotated[
        str, typer.Option(help="What runs each, with commas; cuda-graphs replays CUDA graphs.")
    ] = "cpu",
) -> None:
    """Print size and median run by number of candidates, and its share of the first bundle's."""
    cases = [(bundle, name) for bundle in bundles for name in providers.split(",")]
    sizes = [int(size) for size in candidates.split(",")]
    models = [load(bundle, execution=_execution(name, max(sizes))) for bundle, name in cases]
    golden = load_file(bundles[0] / GOLDEN)
    inputs = models[0].manifest.inputs
    found = {size: medians_ms(models, requests_of(golden, inputs, size), rounds) for size in sizes}
    Console().print(_table(cases, found))


def _execution(name: str, most: int) -> Execution:
    """`cpu`, `cuda`, `cuda-graphs`, `tensorrt` or `tensorrt-graphs`."""
    provider: Provider = TypeAdapter(Provider).validate_python(name.removesuffix(GRAPHS))
    return Execution(provider, max_candidates=most, has_graphs=name.endswith(GRAPHS))


def _table(cases: Sequence[tuple[Path, str]], found: Mapping[int, Sequence[float]]) -> Table:
    table = Table(box=SIMPLE_HEAD)
    for heading in ("bundle", "provider", "bytes", *(f"N = {size}, ms" for size in found)):
        table.add_column(heading, justify="left" if heading == "bundle" else "right")
    for row, (bundle, provider) in enumerate(cases):
        cells = [f"{each[row]:.3f} ({each[row] / each[0]:.2f})" for each in found.values()]
        table.add_row(bundle.name, provider, f"{(bundle / MODEL).stat().st_size:,}", *cells)
    return table


if __name__ == "__main__":
    typer.run(side_by_side)
