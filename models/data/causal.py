"""The causal replay: what was known strictly before any instant of a log.

Nothing at or after the instant asked for can reach a record, however the log goes on. Counters
come from the function that live ingest calls, one event at a time.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.data.encoding import catalogue_of, categories, keys_of, positions_in, quantities
from models.data.log import Log
from models.data.timeline import Events, Timeline
from models.features.catalogue import Catalogue
from models.features.records import F32, I64, U8, U64
from models.manifest import Period

I8 = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Replay:
    """Q requests, I impressions, both in the log's order; `user` counts in the user table."""

    log: Log
    catalogue: Catalogue
    user_columns: U64  # [U, F]
    user_numbers: F32  # [U, G]
    user: I64  # [Q]
    time_ms: I64  # [Q]
    context: U64  # [Q, F]
    context_number: F32  # [Q, G]
    offsets: I64  # [Q + 1] request q showed impressions offsets[q] … offsets[q + 1] − 1
    item: I64  # [I] catalogue rows
    labels: I8  # [I, T] −1 = unknown
    users: Timeline
    items: Timeline
    event_item: I64  # [I] in the order of `users`, as are the next two
    event_time_ms: I64
    event_outcome: U8

    @classmethod
    def of(cls, log: Log) -> Self:
        """Replays a valid log: a few µs an impression."""
        schema, shown, catalogue = log.schema, log.impressions, catalogue_of(log)
        first = np.flatnonzero(shown["request_id"].rle_id().diff().fill_null(1).to_numpy())
        time_ms = shown["timestamp_ms"].to_numpy()
        user = positions_in(shown["user_id"], log.users["user_id"])
        item = catalogue.rows(keys_of(shown["item_id"]))
        labels = shown.select(schema.tasks).to_numpy().astype(np.int8)
        seen = Events(
            user, time_ms, shown["position"].to_numpy().astype(np.int64), outcomes(labels)
        )
        counting = (len(schema.tasks), schema.counter_half_life_ms)
        users = Timeline.of(seen, len(log.users), *counting)
        return cls(
            log=log,
            catalogue=catalogue,
            user_columns=categories(log.users, schema.user),
            user_numbers=quantities(log.users, schema.user),
            user=user[first],
            time_ms=time_ms[first],
            context=categories(shown[first], schema.context),
            context_number=quantities(shown[first], schema.context),
            offsets=np.append(first, len(shown)),
            item=item,
            labels=labels,
            users=users,
            items=Timeline.of(seen._replace(owner=item), len(catalogue) + 1, *counting),
            event_item=item[users.order],
            event_time_ms=time_ms[users.order],
            event_outcome=seen.outcome[users.order],
        )

    def requests_in(self, period: Period) -> I64:
        """Rows of the requests made in the period."""
        ends = np.searchsorted(self.time_ms, [period.from_ms, period.until_ms])
        return np.arange(ends[0], ends[1])

    def sizes(self, requests: I64) -> I64:
        """How many impressions each of the requests showed."""
        counts: I64 = np.diff(self.offsets)[requests]
        return counts


def outcomes(labels: I8) -> U8:
    """`[n, T]` labels → outcome bits: 1 for the impression, 2 << t for a positive of task t."""
    bits = np.uint8(2) << np.arange(labels.shape[1], dtype=np.uint8)
    outcome: U8 = ((labels == 1) * bits).sum(axis=1).astype(np.uint8) + np.uint8(1)
    return outcome
