"""The student that is served and the one that is to follow, on the same newest rows of a log."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from export.ship.errors import Refused
from models.annotation.annotations import load_annotations
from models.caches import Caches
from models.data.causal import Replay
from models.data.log import Log
from models.examples import CacheSource, Examples
from models.metrics import quality
from models.predict import chunked
from models.runtime import Model, load

WITHOUT: Final = "without hints"
WITH: Final = "with hints"
Quality = dict[str, float]
Sides = dict[str, Quality]  # "served", "new"
Measured = dict[str, dict[str, Sides]]
"""By what the cache held, then by task; a task of one class has nothing."""


class Compared(NamedTuple):
    """What is needed to measure both."""

    log: Path
    run: Path  # of the new student
    served: Path
    new: Path


def measure(compared: Compared) -> Measured:
    """On the log's test window: without hints; and where both read one space, with those that a
    replayed cache would have held. Raises BundleError, Refused, DataError."""
    replay = Replay.of(Log.read(compared.log))
    models = {"served": load(compared.served), "new": load(compared.new)}
    for name, model in models.items():
        if model.manifest.features.log.fingerprint() != replay.log.schema.fingerprint():
            raise Refused(
                f"the {name} student reads a log of other tasks or columns than {compared.log} "
                f"has: give both the same, {_columns(model)}"
            )
    found = {WITHOUT: _both(replay, models, {})}
    spaces = {model.manifest.reads_space for model in models.values()}
    if len(spaces) == 1 and None not in spaces:
        found[WITH] = _both(replay, models, _held(replay, compared.run, models))
    return found


def check(measured: Measured, most_worse: float) -> None:
    """Raises Refused."""
    known = [
        (f"{hints}, the log loss of {task}", sides["served"]["log_loss"], sides["new"]["log_loss"])
        for hints, tasks in measured.items()
        for task, sides in tasks.items()
        if sides["served"] and sides["new"]
    ]
    if not known:
        raise Refused(
            "no task has both labels in the log's test window, so nothing tells whether the new "
            "student is worse: ship a longer log"
        )
    for what, served, new in known:
        if not new <= served * (1.0 + most_worse):
            raise Refused(
                f"{what} is {new:.5f}, and {served:.5f} of the student that is served: "
                f"{new / served - 1.0:.2%} worse, more than {most_worse:.2%}. It is not shipped; "
                "raise --most-worse-log-loss, or train it better"
            )


def _held(replay: Replay, run: Path, models: Mapping[str, Model]) -> dict[str, CacheSource]:
    notes = load_annotations(run)
    found = {}
    for name, model in models.items():
        read = model.manifest.features
        length = read.history_length if read.reads_sequence else 0
        found[name] = Caches(replay, notes, read.teacher_tiers, length).held()
    return found


def _both(
    replay: Replay, models: Mapping[str, Model], caches: Mapping[str, CacheSource]
) -> dict[str, Sides]:
    tasks = replay.log.schema.tasks
    measured = {name: _measured(replay, model, caches.get(name)) for name, model in models.items()}
    return {task: {name: measured[name][task] for name in models} for task in tasks}


def _measured(replay: Replay, model: Model, cache: CacheSource | None) -> dict[str, Quality]:
    examples = Examples.of(replay, model.manifest.features)
    logits, labels = [], []
    for requests in chunked(replay.requests_in(replay.log.periods.test)):
        batch = examples.batch(requests, cache)
        logits.append(model.run(batch.arrays).logit)
        labels.append(batch.labels)
    if not logits:
        return {task: {} for task in model.manifest.tasks}
    logit, label = np.concatenate(logits), np.concatenate(labels)
    found = {}
    for task, name in enumerate(model.manifest.tasks):
        known = label[:, task] >= 0
        p = model.probabilities(logit[known], task)
        found[name] = quality(p, label[known, task].astype(np.int8))
    return found


def _columns(model: Model) -> str:
    read = model.manifest.features.log
    columns = (column.name for table in (read.user, read.item, read.context) for column in table)
    return f"tasks {', '.join(read.tasks)}; columns {', '.join(columns)}"
