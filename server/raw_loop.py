"""A bundle's model alone, in a loop: the ceiling that a gateway worker is measured against.

python -m server.raw_loop BUNDLE --candidates 50,200,500 --seconds 3
"""

import json
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from safetensors.numpy import load_file

from models.features.build import group_side
from models.features.grouping import grouped_in_order
from models.features.records import Arrays
from models.manifest import GOLDEN
from models.providers.execution import Execution, Provider
from models.runtime import Model, load
from models.schema import TensorSpec


def requests_of(
    golden: Arrays, specs: tuple[TensorSpec, ...], candidates: int, requests: int = 1
) -> Arrays:
    """So many requests of so many candidates each: the golden batch's rows again and again."""
    sizes = {"R": requests, "N": requests * candidates}
    arrays = {
        spec.name: _rows(golden[f"input.{spec.name}"], sizes[str(spec.shape[0])]) for spec in specs
    }
    arrays["request_index"] = np.arange(requests).repeat(candidates)
    return arrays | group_side(grouped_in_order([candidates] * requests))


def _rows(array: np.ndarray, count: int) -> np.ndarray:
    return np.ascontiguousarray(np.resize(array, (count, *array.shape[1:])))


def measure(model: Model, arrays: Arrays, seconds: float) -> dict[str, float]:
    """Runs until `seconds` have passed, after a tenth of that to warm up."""
    _run_for(model, arrays, seconds / 10)
    spent_ms = _run_for(model, arrays, seconds)
    p50, p99 = np.percentile(spent_ms, [50, 99]).tolist()
    return {"per_second": len(spent_ms) / (sum(spent_ms) / 1000), "p50_ms": p50, "p99_ms": p99}


def _run_for(model: Model, arrays: Arrays, seconds: float) -> list[float]:
    spent_ms = []
    end = time.perf_counter() + seconds
    while (started := time.perf_counter()) < end:
        model.run(arrays)
        spent_ms.append((time.perf_counter() - started) * 1000)
    return spent_ms


def raw_loop(
    bundle: Annotated[Path, typer.Argument(help="Folder of the bundle.")],
    candidates: Annotated[str, typer.Option(help="Sizes of a request, with commas.")] = "200",
    seconds: Annotated[float, typer.Option(help="How long each size runs.")] = 3.0,
    requests: Annotated[int, typer.Option(help="Requests that share a run.")] = 1,
    provider: Annotated[Provider, typer.Option(help="What runs it.")] = "cpu",
) -> None:
    """Print requests a second, and the latencies of a run, by number of candidates, as JSON."""
    model = load(bundle, execution=Execution(provider))
    golden = load_file(bundle / GOLDEN)
    told = {}
    for size in map(int, candidates.split(",")):
        arrays = requests_of(golden, model.manifest.inputs, size, requests)
        told[size] = measure(model, arrays, seconds)
        told[size]["per_second"] *= requests
    typer.echo(json.dumps(told))


if __name__ == "__main__":
    typer.run(raw_loop)
