"""All that a teacher said of a log, by what a cache would have made of it."""

from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from safetensors.numpy import load_file, save_file

from models.data.causal import Replay
from models.features.cached import no_hints
from models.features.records import I64, Hints
from models.replay.sequence import SequenceNotes
from models.schema import TIERS, Tier
from models.training.staged_file import staged

NOTES: Final = "annotations.safetensors"
HINTS: Final = ("pair", "neighbour", "user", "item")


class Annotations(NamedTuple):
    """Hints by impression of the log; zeros and tier `none` outside the annotated requests.

    `pair` has the word on every impression, so that any coverage can be served of it; the tiers
    below have what could be lent to each; `held` says which of them the replayed cache had first,
    `sequence` what it had said of the user's past.
    """

    pair: Hints
    neighbour: Hints
    user: Hints
    item: Hints
    held: I64  # [I] codes of models.schema.TIERS
    sequence: SequenceNotes

    def tier(self, name: Tier) -> Hints:
        found: Hints = getattr(self, name)
        return found


def nothing_said(replay: Replay, dim: int) -> Annotations:
    count, tasks = replay.labels.shape
    pair, neighbour, user, item = (no_hints(count, dim, tasks) for _ in range(4))
    nowhere = np.zeros(len(replay.time_ms), np.int64)
    sequence = SequenceNotes(np.zeros((count, dim), np.float16), nowhere, nowhere)
    none = np.full(count, TIERS.index("none"))
    return Annotations(pair, neighbour, user, item, none, sequence)


def save_annotations(folder: Path, notes: Annotations) -> None:
    """Only the annotated rows, with the first row's number."""
    start = int(np.argmax(notes.pair.tier > 0))
    rows = {
        f"{name}.{field}": column
        for name in HINTS
        for field, column in getattr(notes, name)._asdict().items()
    }
    rows |= {"held": notes.held, "sequence.z": notes.sequence.z}
    arrays = {name: np.ascontiguousarray(column[start:]) for name, column in rows.items()}
    requests = {"sequence.start": notes.sequence.start, "sequence.end": notes.sequence.end}
    with staged(folder / NOTES) as beside:
        save_file(arrays | requests | {"start": np.array([start])}, beside)


def load_annotations(folder: Path) -> Annotations:
    arrays = load_file(folder / NOTES)
    start = int(arrays["start"][0])

    def padded(name: str) -> Any:
        column = arrays[name]
        return np.concatenate([np.zeros((start, *column.shape[1:]), column.dtype), column])

    def hints(name: str) -> Hints:
        return Hints(*(padded(f"{name}.{field}") for field in Hints._fields))

    pair, neighbour, user, item = map(hints, HINTS)
    ends = (arrays["sequence.start"], arrays["sequence.end"])
    sequence = SequenceNotes(padded("sequence.z"), *ends)
    return Annotations(pair, neighbour, user, item, padded("held"), sequence)
