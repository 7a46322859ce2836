"""What every teacher and student costs, on random weights: cost does not depend on what was learnt.

python -m export.model_costs --write docs/model-costs.md
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import numpy as np
import onnxruntime as ort
import torch
import typer

from export.parity import ROWS, measure
from export.samples import arrays_of
from export.to_onnx import graph_of, to_onnx
from models.data.adworld.world import make_log
from models.data.causal import Replay
from models.examples import Examples
from models.flops import flops_of, weights_of
from models.inputs import Inputs
from models.schema import FeatureSchema
from models.student import Student, StudentConfig
from models.students.families import FAMILIES as STUDENTS
from models.teacher import Teacher
from models.teacher_sizes import FAMILIES as TEACHERS
from models.teacher_sizes import SIZES, teacher_config
from models.train import STUDENT_HISTORY, TEACHER_HISTORY

CANDIDATES: Final = 200
Z_DIM: Final = 32
RUNS: Final = 100
HEADING: Final = f"""# What the models cost

`.venv/bin/python -m export.model_costs --write docs/model-costs.md`: random weights, the ad world's
columns, one thread, the p50 of {RUNS} runs. *Parity* is the largest difference between torch and
ONNX Runtime at {", ".join(map(str, ROWS))} candidates.
"""


class Costed(NamedTuple):
    name: str
    weights: int
    flops: int  # a candidate, of a request with CANDIDATES
    run_ms: float  # p50 of a request, one thread
    error: float  # largest |torch − ONNX Runtime|

    def line(self) -> str:
        return (
            f"| {self.name} | {self.weights / 1e6:.2f} M | {self.flops / 1e3:,.0f} k | "
            f"{self.run_ms:.2f} | {self.error:.1e} |"
        )


def model_costs(
    write: Annotated[Path | None, typer.Option(help="Page to write.")] = None,
) -> None:
    """Print weights, FLOPs and time of each model at 200 candidates."""
    torch.manual_seed(0)
    replay = Replay.of(make_log(impressions=20_000, seed=0))
    lines = [
        f"| model | weights | FLOPs a candidate | ms at N = {CANDIDATES} | parity |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, model, features in _models(replay):
        costed = _costed(name, model, Examples.of(replay, features))
        typer.echo(costed.line())
        lines.append(costed.line())
    if write is not None:
        write.write_text("\n".join([HEADING, *lines, ""]), encoding="utf-8")


def _models(replay: Replay) -> Iterator[tuple[str, Student | Teacher, FeatureSchema]]:
    log, rates = replay.log.schema, tuple(0.05 for _ in replay.log.schema.tasks)
    read = FeatureSchema(
        log=log,
        history_length=STUDENT_HISTORY,
        teacher_dim=Z_DIM,
        reads_sequence=True,
        prior_rates=rates,
    )
    for student, reader in STUDENTS.items():
        config = StudentConfig(features=read, reader=reader)
        yield f"student {student}", Student(config), read
    known = FeatureSchema(log=log, history_length=TEACHER_HISTORY, prior_rates=rates)
    for family in TEACHERS:
        for size in SIZES:
            yield f"teacher {family} {size}", Teacher(teacher_config(known, family, size, 0)), known


def _costed(name: str, model: Student | Teacher, examples: Examples) -> Costed:
    graph = graph_of(model, examples.schema)
    model_bytes = to_onnx(graph, arrays_of(examples, requests=4, rows=64))
    samples = {rows: arrays_of(examples, 1, rows, seed=rows) for rows in ROWS}
    parity = measure(graph, model_bytes, samples)
    with torch.no_grad():
        flops = flops_of(lambda: model(Inputs.of(samples[CANDIDATES])))
    return Costed(
        name=name,
        weights=weights_of(model),
        flops=flops // CANDIDATES,
        run_ms=_run_ms(model_bytes, samples[CANDIDATES]),
        error=max(parity.max_abs_error.values()),
    )


def _run_ms(model_bytes: bytes, arrays: dict[str, np.ndarray]) -> float:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model_bytes, options, providers=["CPUExecutionProvider"])
    spent_ms = []
    for _ in range(RUNS):
        started = time.perf_counter()
        session.run(None, arrays)
        spent_ms.append((time.perf_counter() - started) * 1000)
    return float(np.median(spent_ms))


if __name__ == "__main__":
    typer.run(model_costs)
