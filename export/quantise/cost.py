"""What smaller numbers cost on the test window, each request run by itself as it is served."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import onnxruntime as ort

from export.errors import QuantisingCosts
from models.examples import CacheSource, Examples
from models.features.records import F32, Arrays
from models.manifest import Calibration
from models.metrics import quality
from models.predict import chunked
from models.providers.apart import put_back, requests_apart
from models.providers.sessions import session_options

Measured = Mapping[str, Mapping[str, float]]
"""By task."""


class Cost(NamedTuple):
    before: Measured
    after: Measured

    def of(self, task: str) -> dict[str, float]:
        """`auc`: how much of it is lost; `log_loss`: by what share it rises. Of one class only,
        nothing can be said."""
        before, after = self.before[task], self.after[task]
        if not before:
            return {}
        return {
            "auc": before["auc"] - after["auc"],
            "log_loss": after["log_loss"] / before["log_loss"] - 1.0,
        }


def check_cost(name: str, cost: Cost, most: float) -> None:
    """Raises QuantisingCosts."""
    for task in cost.before:
        for measure, lost in cost.of(task).items():
            if not lost <= most:
                raise QuantisingCosts(
                    f"{name}: {measure} of {task} is {lost:.5f} worse with smaller numbers, more "
                    f"than {most:g}: choose another --quantise, or raise --quantise-cost"
                )


def cost_of(
    graphs: tuple[bytes, bytes],
    examples: Examples,
    cache: CacheSource | None,
    calibration: Mapping[str, Calibration],
) -> Cost:
    """Of the first graph and the second, on the same inputs."""
    replay = examples.replay
    requests = replay.requests_in(replay.log.periods.test)
    sessions = [ort.InferenceSession(graph, session_options(1)) for graph in graphs]
    logits: list[list[F32]] = [[], []]
    labels: list[F32] = []
    for rows in chunked(requests):
        batch = examples.batch(rows, cache)
        labels.append(batch.labels)
        for session, told in zip(sessions, logits, strict=True):
            told.append(_one_by_one(session, batch.arrays, examples))
    known = np.concatenate(labels)
    before, after = (_measured(np.concatenate(told), known, calibration) for told in logits)
    return Cost(before, after)


def _one_by_one(session: ort.InferenceSession, arrays: Arrays, examples: Examples) -> F32:
    parts = list(requests_apart(arrays, examples.schema.inputs()))
    return put_back(parts, [session.run(["logit"], part.arrays)[0] for part in parts])


def _measured(logit: F32, labels: F32, calibration: Mapping[str, Calibration]) -> Measured:
    found = {}
    for task, (name, fitted) in enumerate(calibration.items()):
        known = labels[:, task] >= 0
        p = fitted.probabilities(logit[known, task])
        found[name] = quality(p, labels[known, task].astype(np.int8))
    return found


def manifest_metrics(cost: Cost) -> dict[str, dict[str, float]]:
    """As a manifest names them."""
    sides: Sequence[tuple[str, Measured]] = (
        ("quantised", cost.after),
        ("not_quantised", cost.before),
    )
    return {
        f"{task}/{side}": dict(measured)
        for side, by_task in sides
        for task, measured in by_task.items()
    }
