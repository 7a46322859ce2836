"""Samples and figures made up for tests."""

from typing import Any

from loadtest.run.answers import Sample
from loadtest.run.figures import Cost, describe
from loadtest.run.samples import Recorder, Samples

OK = Sample(0.0, 0.1, 5.0, 200, {"inference": 1.5, "total": 3.0}, 0.75, [], "v1")


def samples_of(*changed: Sample) -> Samples:
    recorder = Recorder()
    for sample in changed:
        recorder.add(sample)
    return recorder.samples()


def figures(count: int = 1000, rate: float = 100.0, **change: Any) -> dict[str, Any]:
    """`count` good answers at `rate`, the last twentieth of them as `change` says."""
    rows = [OK._replace(due_s=(number + 1) / rate) for number in range(count)]
    rows[-count // 20 :] = [row._replace(**change) for row in rows[-count // 20 :]]
    told = describe(samples_of(*rows), count / rate, Cost(0.1, 1))
    return {**told, "marks": []}
