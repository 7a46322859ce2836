"""Runs of codes as what the refresher works on: messages of demand that nobody sent."""

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from cache.demand import Demand
from cache.refresh.hand import InHand
from cache.refresh.lease import Lease
from cache.refresh.speculation.people import Person
from cache.refresh.speculation.speculator import Speculator
from models.speculation.scheduler import Run

NO_BODY: Final = b""


class Orders:
    """Drops what cannot be ordered: of a user or a context that was `forgotten`, or of a shard that
    is another worker's now (`left`)."""

    def __init__(self, speculator: Speculator) -> None:
        self._speculator = speculator

    def of(self, runs: list[Run], leases: Mapping[int, Lease], server_ms: int) -> list[InHand]:
        """As of now. `server_ms` makes them as old as a message that came just now."""
        now_ms, id_ = self._speculator.time.now_ms(), b"%d-0" % server_ms
        messages = []
        for run in runs:
            person = self._speculator.people.find(run.user)
            lease = None if person is None else leases.get(person.shard)
            if person is None or lease is None:
                reason = "forgotten" if person is None else "left"
                self._speculator.drop(reason, len(run.pair))
                continue
            messages += [
                InHand(lease.shard, lease.token, id_, NO_BODY, demand, 0, 0.0)
                for demand in self._demands(run, person, now_ms)
            ]
        return messages

    def _demands(self, run: Run, person: Person, now_ms: int) -> Iterator[Demand]:
        """One a context."""
        for context, item_keys in self._speculator.contexts.placed(run.pair, run.item):
            if context is None:
                self._speculator.drop("forgotten", len(item_keys))
                continue
            scores = np.zeros(len(item_keys), np.float32)
            numbers = person.context_numbers
            yield Demand(person.user_id, now_ms, context, numbers, item_keys, scores)
