"""Users by where their keys lie."""

from itertools import count

from redis.crc import key_slot

from cache.keys import record_key
from tests.cache.cluster.nodes import Cluster, Server


def slot_of(user_id: str) -> int:
    return int(key_slot(record_key(user_id)))


def users_of_slot(slot: int, number: int) -> list[str]:
    found: list[str] = []
    for at in count():
        if slot_of(f"u{at}") == slot:
            found.append(f"u{at}")
        if len(found) == number:
            return found
    raise AssertionError


def user_of(cluster: Cluster, server: Server) -> str:
    """One whose keys this master has."""
    return next(f"u{at}" for at in count() if cluster.master_of(slot_of(f"u{at}")) is server)
