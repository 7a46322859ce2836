"""A page of metrics, looked up by name and label."""

from collections.abc import Iterator
from typing import NamedTuple, Self

from prometheus_client.parser import text_string_to_metric_families


class Sample(NamedTuple):
    labels: dict[str, str]
    value: float


class Series:
    def __init__(self, samples: dict[str, list[Sample]]) -> None:
        self._samples = samples

    @classmethod
    def read(cls, page: bytes) -> Self:
        """Raises ValueError for what is no such page."""
        found: dict[str, list[Sample]] = {}
        for family in text_string_to_metric_families(page.decode(errors="replace")):
            for sample in family.samples:
                found.setdefault(sample.name, []).append(Sample(sample.labels, sample.value))
        return cls(found)

    def of(self, name: str, **labels: str) -> Iterator[Sample]:
        """Those that have all of the labels."""
        for sample in self._samples.get(name, ()):
            if labels.items() <= sample.labels.items():
                yield sample

    def total(self, name: str, **labels: str) -> float:
        return sum(sample.value for sample in self.of(name, **labels))

    def values_of(self, name: str, label: str, **labels: str) -> list[str]:
        """Of one label, one for each series."""
        return [sample.labels.get(label, "") for sample in self.of(name, **labels)]
