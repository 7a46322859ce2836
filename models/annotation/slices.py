"""What a teacher said of a joined log, as the student of one of the logs reads it."""

import numpy as np

from models.annotation.annotations import Annotations
from models.data.causal import Replay
from models.examples import taken
from models.features.records import I64
from models.replay.sequence import SequenceNotes


def of_log(notes: Annotations, joined: Replay, own: Replay, rows: I64) -> Annotations:
    """`rows`: the joined row of each impression of `own`.

    The cache is the one that all students fill. Of the sequence a student reads what was said of
    its own log's impressions, for these alone are in its histories.
    """
    pair, neighbour, user, item = (
        taken(hints, rows) for hints in (notes.pair, notes.neighbour, notes.user, notes.item)
    )
    sequence = _sequence(notes.sequence, joined, own, rows)
    return Annotations(pair, neighbour, user, item, notes.held[rows], sequence)


def _sequence(notes: SequenceNotes, joined: Replay, own: Replay, rows: I64) -> SequenceNotes:
    """An end in the joined log's order of events lies after as many of a user's own events as come
    before it there. Ends lie between instants, so events of one time never part."""
    base = len(joined.item) + 1
    place = np.empty(len(joined.item), np.int64)
    place[joined.users.order] = np.arange(len(place))
    owner = np.repeat(np.arange(len(own.users.offsets) - 1), np.diff(own.users.offsets))
    events = np.sort(owner * base + place[rows[own.users.order]])
    asked_by = np.repeat(np.arange(len(joined.user)), np.diff(joined.offsets))
    requests = asked_by[rows[own.offsets[:-1]]]
    start, end = (
        np.searchsorted(events, own.user * base + ends[requests])
        for ends in (notes.start, notes.end)
    )
    return SequenceNotes(notes.z[rows], start, end)
