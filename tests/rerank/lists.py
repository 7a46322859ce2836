"""Candidate lists with labels, scores and embeddings, out of a log's test window."""

from typing import NamedTuple

import numpy as np

from models.features.records import F32, F64, I64
from models.suites.workbench import Workbench

LENGTH = 50
TASK = 0


class Listed(NamedTuple):
    """One list, in falling order of the student's score."""

    scores: F64  # [LENGTH]
    labels: F64  # [LENGTH] 0 or 1
    z: F32  # [LENGTH, d] the teacher's, as a full cache has them
    kinds: list[frozenset[str]]  # words of the item column that says what an item is


def lists_of(bench: Workbench, kind: str) -> list[Listed]:
    """Every LENGTH impressions of a user that follow one another; what is left over is left out.

    A log of ratings shows an item or two a request, so a list is what one user rated within the
    window, each scored as of its own time.
    """
    evaluation, notes = bench.evaluation, bench.notes
    scores = bench.answer(bench.student(bench.chosen), bench.covered(1.0, has_sequence=True))
    labels = bench.replay.labels[evaluation.rows, TASK]
    kinds = _kinds(bench, kind)
    found = []
    for places in _chunks(evaluation.users, labels >= 0):
        by_score = places[np.argsort(-scores[places, TASK], kind="stable")]
        rows = evaluation.rows[by_score]
        listed = Listed(
            scores[by_score, TASK],
            labels[by_score].astype(np.float64),
            notes.pair.z[rows],
            [kinds[item] for item in bench.replay.log.impressions["item_id"][rows].to_list()],
        )
        found.append(listed)
    return found


def _chunks(users: I64, is_known: I64) -> list[I64]:
    """Places among the test window's impressions."""
    chunks: list[I64] = []
    for user in np.unique(users):
        places = np.flatnonzero((users == user) & is_known)
        whole = len(places) // LENGTH
        chunks += np.split(places[: whole * LENGTH], whole) if whole else []
    return chunks


def _kinds(bench: Workbench, column: str) -> dict[str, frozenset[str]]:
    items = bench.replay.log.items
    words = zip(items["item_id"].to_list(), items[column].to_list(), strict=True)
    return {item_id: frozenset((text or "").split()) for item_id, text in words}
