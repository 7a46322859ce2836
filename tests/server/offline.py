"""Requests scored without the gateway: features of many requests at once, from tables alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from models.features.build import build
from models.features.catalogue import Catalogue
from models.features.hashing import key64, keys64
from models.features.item_table import ItemTable
from models.features.records import Arrays, CacheAnswer, Candidates, History, Requests
from models.features.snapshot import UsersSnapshot
from models.schema import FeatureSchema


def offline_arrays(
    schema: FeatureSchema,
    catalogue: Catalogue,
    users: UsersSnapshot,
    bodies: Sequence[dict[str, Any]],
    answer: CacheAnswer | None = None,
) -> Arrays:
    rows = [catalogue.rows(keys64(body["item_ids"])) for body in bodies]
    row = np.concatenate(rows)
    candidates = Candidates(
        np.repeat(np.arange(len(bodies)), [len(part) for part in rows]),
        row,
        catalogue.counters[row],
        catalogue.counters_at[row],
    )
    requests = _requests(schema, catalogue, users, bodies)
    return build(schema, ItemTable.of(schema, catalogue), requests, candidates, answer)


def _requests(
    schema: FeatureSchema,
    catalogue: Catalogue,
    users: UsersSnapshot,
    bodies: Sequence[dict[str, Any]],
) -> Requests:
    at = np.array([users.user_ids.index(body["user_id"]) for body in bodies])
    contexts = [body["context"] for body in bodies]
    return Requests(
        now_ms=np.array([body["timestamp_ms"] for body in bodies], np.int64),
        user=users.columns[at],
        user_number=users.numbers[at],
        counters=users.counters[at],
        counters_at=users.counters_at[at],
        context=np.array([[key64(c["placement"])] for c in contexts], np.uint64),
        context_number=np.array([[c["slot_width"]] for c in contexts], np.float32),
        history=_history(schema.history_length, catalogue, users, at.tolist()),
    )


def _history(length: int, catalogue: Catalogue, users: UsersSnapshot, at: list[int]) -> History:
    history = History(
        np.zeros((len(at), length), np.int64),
        np.zeros((len(at), length), np.int64),
        np.zeros((len(at), length), np.uint8),
    )
    for position, user in enumerate(at):
        until = int(users.history_offsets[user + 1])
        taken = slice(max(int(users.history_offsets[user]), until - length), until)
        count = taken.stop - taken.start
        history.row[position, length - count :] = catalogue.rows(users.history_items[taken])
        history.time_ms[position, length - count :] = users.history_times_ms[taken]
        history.outcome[position, length - count :] = users.history_outcomes[taken]
    return history
