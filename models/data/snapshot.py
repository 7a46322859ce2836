"""What a serving folder holds of a log: live state as the test window opens, and its requests."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from models.data.causal import Replay
from models.data.replay_file import densest, write_replay
from models.features.catalogue import Catalogue
from models.features.snapshot import UsersSnapshot

CATALOGUE: Final = "catalogue.safetensors"
USERS: Final = "users.safetensors"
REPLAY: Final = "replay.jsonl"
KEPT_EVENTS: Final = 256
"""A live user record holds no more."""


def write_serving_data(replay: Replay, folder: Path, requests: int | None = None) -> int:
    """Writes the three files and returns how many requests are in the replay.

    `requests` keeps the densest run of that many; the state is then of the instant it begins.
    """
    rows = replay.requests_in(replay.log.periods.test)
    instant_ms = replay.log.periods.test_from_ms
    if requests is not None and requests < len(rows):
        rows = densest(replay, rows, requests)
        instant_ms = int(replay.time_ms[rows[0]])
    folder.mkdir(parents=True, exist_ok=True)
    catalogue_at(replay, instant_ms).save(folder / CATALOGUE)
    users_at(replay, instant_ms).save(folder / USERS)
    write_replay(replay, rows, folder / REPLAY)
    return len(rows)


def catalogue_at(replay: Replay, instant_ms: int) -> Catalogue:
    """The catalogue with its counters strictly before the instant."""
    owners = np.arange(len(replay.catalogue) + 1)
    span = replay.items.before(owners, np.full(len(owners), instant_ms))
    counted = replay.items.counters(span)
    return replace(replay.catalogue, counters=counted.counters, counters_at=counted.at_ms)


def users_at(replay: Replay, instant_ms: int) -> UsersSnapshot:
    """Every user's state strictly before the instant."""
    owners = np.arange(len(replay.user_columns))
    span = replay.users.before(owners, np.full(len(owners), instant_ms))
    counted = replay.users.counters(span)
    kept = np.minimum(span.end - span.start, KEPT_EVENTS)
    offsets = np.concatenate([[0], np.cumsum(kept)])
    event = np.arange(offsets[-1]) + np.repeat(span.end - offsets[1:], kept)
    return UsersSnapshot(
        schema=replay.log.schema,
        user_ids=tuple(replay.log.users["user_id"]),
        columns=replay.user_columns,
        numbers=replay.user_numbers,
        counters=counted.counters,
        counters_at=counted.at_ms,
        history_offsets=offsets,
        history_items=replay.catalogue.keys[replay.event_item[event]],
        history_times_ms=replay.event_time_ms[event],
        history_outcomes=replay.event_outcome[event],
    )
