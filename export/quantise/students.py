"""The students of a run with smaller numbers, in place of the whole ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from export.model_bundle import Source
from export.quantise.bundle import write_quantised
from export.quantise.precision import Precision
from models.annotation.annotations import load_annotations
from models.caches import Caches
from models.examples import CacheSource
from models.student import Student


class Quantising(NamedTuple):
    precision: Precision
    most: float  # that it may cost: of AUC, and as a share of log loss

    def students(
        self, run: Path, out: Path, named: Mapping[str, str], sources: Sequence[Source]
    ) -> dict[str, str]:
        """Folder names by student. Raises ParityFailed, QuantisingCosts."""
        found = {}
        for source in sources:
            if isinstance(source.model, Student):
                whole = out / named[source.name]
                cache = _cache(run, source)
                folder = write_quantised(whole, source, self.precision, cache, self.most)
                found[source.name] = folder.name
        return found


def _cache(run: Path, source: Source) -> CacheSource | None:
    """As the replayed one was, for a student that reads any."""
    schema, replay = source.examples.schema, source.examples.replay
    if not schema.teacher_dim:
        return None
    length = schema.history_length if schema.reads_sequence else 0
    return Caches(replay, load_annotations(run), schema.teacher_tiers, length).held()
