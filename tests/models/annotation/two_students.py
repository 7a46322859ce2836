"""One small log as two students keep it, and a teacher that has learnt nothing of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from rich.console import Console
from rich.progress import Progress

from models import checkpoint
from models.annotation.record import AnnotationRecord
from models.annotation.service import Order, annotate_logs
from models.data.adworld.world import make_log
from models.data.causal import Replay
from models.data.log import Log
from models.examples import features_of
from models.run_folder import RunRecord
from models.teacher import Teacher
from models.teacher_sizes import teacher_config
from models.train import space_of
from models.training.terms import log_digest

IMPRESSIONS = 2_000


def whole_log() -> Log:
    return make_log(impressions=IMPRESSIONS, seed=7)


def part(log: Log, kept: pl.Expr) -> Log:
    """Its rows with the lists of their requests; all users and items."""
    impressions = log.impressions.filter(kept)
    assert log.requests is not None
    lists = log.requests.join(impressions, on="request_id", how="semi")
    return replace(log, impressions=impressions, requests=lists)


def by_placement(log: Log) -> dict[str, Log]:
    return {
        "feed": part(log, pl.col("placement") == "feed"),
        "other": part(log, pl.col("placement") != "feed"),
    }


def written(logs: dict[str, Log], folder: Path) -> dict[str, Path]:
    for name, log in logs.items():
        log.write(folder / name)
    return {name: folder / name for name in logs}


def untrained_run(folder: Path, log: Log, seed: int = 0) -> Path:
    """`folder/run`, of a teacher whose period is that of `folder/whole`."""
    log.write(folder / "whole")
    replay, run = Replay.of(log), folder / "run"
    features = features_of(replay, 20, 0, log.periods.student_from_ms)
    config = teacher_config(features, "interformer", "s", seed)
    teacher = Teacher(config)
    checkpoint.save(run, "teacher", teacher, config)
    parts: dict[Any, Any] = {"teacher": {"log": log_digest(replay)}}
    whole = str(folder / "whole")
    RunRecord(log=whole, seed=seed, space=space_of(teacher), parts=parts).write(run)
    return run


def annotated_quietly(order: Order) -> AnnotationRecord:
    with Progress(disable=True, console=Console(quiet=True)) as progress:
        return annotate_logs(order, progress)


def files(out: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


class Silenced(Exception):
    pass


class Calls:
    """Of teachers, which answer no more than `most` of them."""

    def __init__(self, most: int | None = None) -> None:
        self.count = 0
        self.most = most


@contextmanager
def counted_calls(most: int | None = None) -> Iterator[Calls]:
    calls, forward = Calls(most), Teacher.forward

    def counting(self: Teacher, inputs: Any) -> Any:
        if calls.count == calls.most:
            raise Silenced
        calls.count += 1
        return forward(self, inputs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Teacher, "forward", counting)
        yield calls
