"""Who stands behind the codes that policies know users by, as of each user's last request."""

from collections import OrderedDict
from typing import NamedTuple

import xxhash

from cache.arrays import F32
from cache.demand import Demand
from models.speculation.memory import USERS


class Person(NamedTuple):
    user_id: str
    shard: int
    asked_ms: int  # the time of the last request
    context_numbers: F32  # [Gc] of the last request


def code_of(user_id: str) -> int:
    """63 bits of XXH3: never negative, and differences of two do not overflow an int64."""
    return xxhash.xxh3_64_intdigest(user_id.encode()) >> 1


class People:
    """Of more than `limit` the one silent longest is forgotten."""

    def __init__(self, limit: int = USERS) -> None:
        self._limit = limit
        self._people: OrderedDict[int, Person] = OrderedDict()

    def __len__(self) -> int:
        return len(self._people)

    def heard(self, shard: int, demand: Demand) -> bool:
        """False for a request from before the user's last one, which changes nothing: after an
        outage the newest messages are read first."""
        code = code_of(demand.user_id)
        before = self._people.get(code)
        if before is not None and demand.as_of_ms < before.asked_ms:
            return False
        # A copy: a view would keep the whole message.
        numbers = demand.context_numbers.copy()
        self._people[code] = Person(demand.user_id, shard, demand.as_of_ms, numbers)
        self._people.move_to_end(code)
        if len(self._people) > self._limit:
            self._people.popitem(last=False)
        return True

    def find(self, code: int) -> Person | None:
        return self._people.get(code)

    def forget(self, user_id: str) -> None:
        self._people.pop(code_of(user_id), None)
