"""Training throughput of Kunlun on this machine, with each of its savings taken back."""

from typing import Final

import numpy as np

from models.backbones.kunlun import KunlunConfig
from models.features.records import F64
from models.suites.table import Cell, Table
from models.suites.training_step import Sample, TrainingStep, interleaved, placement_here
from models.suites.workbench import Workbench
from models.teacher import TeacherConfig
from models.teacher_sizes import Size, teacher_config
from models.training.placement import Placement

SIZE: Final[Size] = "m"
ROUNDS: Final = 21
QUICK_ROUNDS: Final = 5
IMPRESSIONS: Final = 640
WHOLE: Final = "as it is"
COLUMNS: Final = ("kunlun m", "MFLOPs a candidate", "candidates/s", "ratio [quartiles]")
NOTE: Final = (
    "One training step (forward, backward, update) of {candidates} candidates, the batch ready: "
    "{rounds} rounds in which each variant takes one step in turn, on {device}. The ratio is of "
    "candidates/s to the whole model's in the same round: the median. FLOPs are of forward and "
    "backward. Without computation skip every layer pools, personalises and attends; without the "
    "window its events attend to all of their sequence ({lengths} events, window {window}). Our "
    "PFFN never builds the weight matrix of a request, so it costs less than the paper's. The "
    "paper reports for its own scale, each alone: computation skip 43.1 % fewer FLOPs and 35 % "
    "more queries/s, the window 29.5 % fewer and 31.1 % more."
)


def throughput(bench: Workbench) -> Table:
    sample = Sample.of(bench.replay, IMPRESSIONS)
    where = placement_here()
    named = variants(teacher_config(sample.features, "kunlun", SIZE, bench.seed))
    steps = {name: TrainingStep(config, sample, where) for name, config in named.items()}
    rounds = QUICK_ROUNDS if bench.is_quick else ROUNDS
    seconds = interleaved(steps, rounds)
    rows = [
        _row(name, steps[name].flops, seconds[name], seconds[WHOLE], sample.candidates)
        for name in named
    ]
    return Table(
        f"Training throughput of kunlun {SIZE}",
        COLUMNS,
        rows,
        _note(named[WHOLE], sample.candidates, rounds, where),
    )


def variants(config: TeacherConfig) -> dict[str, TeacherConfig]:
    """Raises TypeError for a teacher that is no Kunlun."""
    whole = _kunlun(config)
    unbounded = tuple(kind.model_copy(update={"window": kind.length}) for kind in whole.kinds)
    changes: dict[str, dict[str, object]] = {
        WHOLE: {},
        "without computation skip": {"skips": False},
        "without sliding window": {"kinds": unbounded},
        "PFFN instead of GDPA": {"personal": "pffn"},
    }
    return {
        name: config.model_copy(update={"backbone": whole.model_copy(update=change)})
        for name, change in changes.items()
    }


def _row(
    name: str, flops: int, seconds: F64, whole_seconds: F64, candidates: int
) -> list[Cell | str]:
    low, ratio, high = np.percentile(whole_seconds / seconds, [25, 50, 75]).tolist()
    return [
        name,
        Cell(flops / candidates / 1e6, None, 2),
        Cell(candidates / float(np.median(seconds)), None, 0),
        f"{ratio:.2f} [{low:.2f}, {high:.2f}]",
    ]


def _note(config: TeacherConfig, candidates: int, rounds: int, where: Placement) -> str:
    kinds = _kunlun(config).kinds
    return NOTE.format(
        candidates=candidates,
        rounds=rounds,
        device=f"{where.device} in {where.precision}",
        lengths=" and ".join(str(kind.length) for kind in kinds),
        window=kinds[0].window,
    )


def _kunlun(config: TeacherConfig) -> KunlunConfig:
    if not isinstance(config.backbone, KunlunConfig):
        raise TypeError(f"backbone {config.backbone.family}: only kunlun has these switches")
    return config.backbone
