"""Keys of one space's demand, and the shard that a user falls into. See docs/cache.md.

The keys of a shard share a cluster slot, since one script changes them together; so do those at
which the workers of a space meet.
"""

from typing import Final, NamedTuple, Self

import xxhash

SHARDS: Final = 16
MAX_SHARDS: Final = 1024


class ShardKeys(NamedTuple):
    stream: bytes
    account: bytes  # hash: pairs by outcome
    tries: bytes  # hash: message id → how often a worker began with it
    lease: bytes

    @classmethod
    def of(cls, space: str, shard: int) -> Self:
        tag = f"{{{space}:{shard}}}"
        names = ("stream:demand", "account", "tries", "lease")
        return cls(*(f"us:{name}:{tag}".encode() for name in names))


class SpaceKeys(NamedTuple):
    shards: bytes  # how many there are
    workers: bytes  # sorted set: name → server time at which it counts as dead, ms
    fence: bytes  # the newest fencing token

    @classmethod
    def of(cls, space: str) -> Self:
        return cls(*(f"us:{name}:{{{space}}}".encode() for name in ("shards", "workers", "fence")))


def demand_pattern() -> bytes:
    """A glob of the streams of all spaces."""
    return b"us:stream:demand:{*"


def demanded_space(stream: bytes) -> str:
    tag = stream.decode(errors="replace").removeprefix("us:stream:demand:{")
    return tag.rpartition(":")[0]


def shard_of(user_id: str, shards: int) -> int:
    """The same in every process: by XXH3-64 of the id's UTF-8 text."""
    return xxhash.xxh3_64_intdigest(user_id.encode()) % shards
