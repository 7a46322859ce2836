"""`understudy export`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer
from rich.console import Console
from rich.progress import Progress

from export.errors import RunInvalid
from export.model_bundle import Source, write_model
from export.quantise.precision import Precision
from export.quantise.students import Quantising
from export.tensorrt_engines import build_engines
from export.triton.serving import Backend, BackendOption, Serving
from export.value_option import parse_formula
from models.checkpoint import CheckpointInvalid, load_student, load_teacher
from models.data.causal import Replay
from models.data.log import Log
from models.data.replay_file import lines
from models.data.snapshot import write_serving_data
from models.examples import Examples
from models.manifest import Period, ValueFormula
from models.run_folder import METRICS, Part, RunFolderInvalid, RunRecord

SERVING: Final = "serving.json"
WARMUP_REQUESTS: Final = 32
Bodies = list[dict[str, Any]]


def export(
    run: Annotated[Path, typer.Option(help="A run folder, as `understudy train` writes it.")],
    out: Annotated[Path, typer.Option(help="The serving folder to write.")],
    requests: Annotated[
        int, typer.Option(help="Held-out requests kept for a replay: the busiest stretch.")
    ] = 2000,
    value: Annotated[
        str | None,
        typer.Option(help="What orders: powers of tasks, as click=1,conversion=0.5; then × bid."),
    ] = None,
    triton: Annotated[
        Path | None, typer.Option(help="Also write the models into this Triton repository.")
    ] = None,
    triton_backend: BackendOption = "onnxruntime",
    quantise: Annotated[
        Precision | None,
        typer.Option(help="Serve students of smaller numbers; the whole ones stand beside them."),
    ] = None,
    quantise_cost: Annotated[
        float, typer.Option(min=0, help="Most AUC, and share of log loss, that this may cost.")
    ] = 0.001,
    tensorrt_engines: Annotated[
        Path | None, typer.Option(help="Also build the student's TensorRT engines in this folder.")
    ] = None,
    max_candidates: Annotated[
        int, typer.Option(min=1, envvar="UNDERSTUDY_MAX_CANDIDATES", help="Of the largest engine.")
    ] = 1000,
) -> None:
    """Turn a run into bundles, with the catalogue, user states and requests that serving needs."""
    console = Console()
    quantising = None if quantise is None else Quantising(quantise, quantise_cost)
    try:
        named, kept = _written(run, out, requests, value, quantising, console)
    except (RunFolderInvalid, CheckpointInvalid) as error:
        raise RunInvalid(str(error)) from error
    (out / SERVING).write_text(json.dumps(named, indent=1) + "\n")
    if triton is not None:
        _write_repository(triton, [out / folder for folder in named.values()], triton_backend)
    if tensorrt_engines is not None:
        build_engines(out / named["student"], tensorrt_engines, max_candidates)
    for name, folder in named.items():
        console.print(f"{name:8} {folder}")
    console.print(f"replay   {kept:,} held-out requests")


def _written(
    run: Path,
    out: Path,
    requests: int,
    value: str | None,
    quantising: Quantising | None,
    console: Console,
) -> tuple[dict[str, str], int]:
    """Folders of the bundles by name, and how many requests were kept."""
    formula = parse_formula(value) if value else None
    record = RunRecord.read(run)
    replay = Replay.of(Log.read(Path(record.log)))
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("export", total=4)
        named, warmup = {}, _warmup(replay)
        sources = _sources(run, record, replay, formula)
        for source in sources:
            named[source.name] = write_model(out, source, warmup).name
            progress.advance(bar)
        if quantising is not None:
            named |= quantising.students(run, out, named, sources)
        kept = write_serving_data(replay, out, requests)
        progress.advance(bar)
    return named, kept


def _write_repository(repository: Path, bundles: Sequence[Path], backend: Backend) -> None:
    from export.triton.repository import write_repository  # of the extra `triton`

    for bundle in bundles:
        write_repository(repository, bundle, Serving(backend))


def _sources(
    run: Path, record: RunRecord, replay: Replay, formula: ValueFormula | None
) -> list[Source]:
    teacher, teacher_config = load_teacher(run, "teacher")
    student, student_config = load_student(run, "student")
    alone, alone_config = load_student(run, "alone")
    periods, metrics = replay.log.periods, _metrics(run)

    def source(name: str, model: Any, schema: Any, trained_on: Period) -> Source:
        return Source(
            name=name,
            model=model,
            examples=Examples.of(replay, schema),
            space=record.space,
            calibration=record.calibration[name],
            trained_on=trained_on,
            metrics={key: value for key, value in metrics.items() if _is_of(name, key)},
            value=formula,
        )

    def learnt(name: Part) -> Period:
        return periods.learnt(record.parts[name]["days"])

    return [
        source("teacher", teacher, teacher_config.features, periods.teacher),
        source("student", student, student_config.features, learnt("student")),
        source("alone", alone, alone_config.features, learnt("alone")),
    ]


def _metrics(run: Path) -> dict[str, dict[str, float]]:
    """`<task>/<model>` → metrics of the test window, if `understudy evaluate` wrote them."""
    path = run / METRICS
    if not path.exists():
        return {}
    tasks = json.loads(path.read_text())["tasks"]
    return {
        f"{task}/{model}": measured
        for task, models in tasks.items()
        for model, measured in models.items()
    }


def _is_of(name: str, key: str) -> bool:
    model = key.split("/", 1)[1]
    return model.startswith("student_at_") if name == "student" else model.endswith(name)


def _warmup(replay: Replay) -> Bodies:
    """The last requests before the test window, as a caller posts them today: without a time."""
    rows = replay.requests_in(replay.log.periods.validation)[-WARMUP_REQUESTS:]
    bodies = [line["request"] for line in lines(replay, np.asarray(rows))]
    return [{key: body[key] for key in body if key != "timestamp_ms"} for body in bodies]
