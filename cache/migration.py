"""What all gateways of a model agree on while one student, and its space, follow another.

Folders are serving folders, as every gateway finds them. A state is replaced whole, by
compare-and-set on its revision; counts belong to one revision and one window of the server's time.
"""

from typing import Any, Final, NamedTuple, Self

from redis.asyncio import Redis

from cache.connection import unavailable_when_failing
from cache.errors import Corrupt

COUNTS_KEPT_MS: Final = 3_600_000

REPLACE: Final = """
if (redis.call('HGET', KEYS[1], 'revision') or '0') ~= ARGV[1] then return 0 end
local time = redis.call('TIME')
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('HSET', KEYS[1], 'revision', ARGV[1] + 1,
  'since_ms', time[1] * 1000 + math.floor(time[2] / 1000), unpack(ARGV, 2))
return 1
"""

COUNT: Final = """
if redis.call('HGET', KEYS[1], 'revision') ~= ARGV[1] then return false end
local time = redis.call('TIME')
local window = math.floor((time[1] * 1000 + math.floor(time[2] / 1000)) / ARGV[2])
local told = {}
for i, name in ipairs({'seen', 'held', 'ready'}) do
  redis.call('HINCRBY', KEYS[2], window .. ':' .. name, ARGV[i + 3])
  told[i] = tonumber(redis.call('HGET', KEYS[2], (window - 1) .. ':' .. name) or 0)
  redis.call('HDEL', KEYS[2], (window - 2) .. ':' .. name)
end
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return told
"""
"""Counts into the window that runs, and answers the last whole one."""


class Standing(NamedTuple):
    """Candidates of mirrored requests."""

    seen: int = 0
    held: int = 0  # with a pair in the space that is served
    ready: int = 0  # with a pair in the space to come

    @property
    def gap(self) -> float:
        """Coverage that would be lost by a switch now."""
        return (self.held - self.ready) / max(self.seen, 1)

    @property
    def coverage(self) -> float:
        return self.ready / max(self.seen, 1)

    def plus(self, more: "Standing") -> "Standing":
        return Standing(*(one + other for one, other in zip(self, more, strict=True)))


class Migration(NamedTuple):
    serving: str = ""  # empty: what each gateway was started with
    coming: str = ""  # empty: nobody is to follow
    previous: str = ""
    max_gap: float = 0.02  # of coverage by pairs, at the switch
    mark: float = 0.0  # coverage by pairs that the space to come must have whatever is held
    least: int = 10_000  # candidates that a window must have seen
    window_ms: int = 60_000
    reason: str = ""  # of the latest change
    revision: int = 0
    since_ms: int = 0

    def is_filled(self, window: Standing) -> bool:
        is_close = window.gap <= self.max_gap and window.coverage >= self.mark
        return window.seen >= self.least and is_close

    def switched(self, reason: str) -> Self:
        return self._replace(serving=self.coming, previous=self.serving, coming="", reason=reason)

    def given_up(self, reason: str) -> Self:
        return self._replace(coming="", reason=reason)

    def fields(self) -> list[str]:
        """Without what the server writes itself."""
        told = self._asdict()
        names = (name for name in told if name not in ("revision", "since_ms"))
        return [part for name in names for part in (name, str(told[name]))]

    @classmethod
    def read(cls, fields: dict[bytes, bytes]) -> Self:
        """Raises Corrupt."""
        try:
            held = {
                name: kind(fields[name.encode()].decode())
                for name, kind in cls.__annotations__.items()
            }
            return cls(**held)
        except (LookupError, ValueError) as error:
            raise Corrupt(f"the state of a migration cannot be read: {error!r}") from error


class MigrationBoard:
    """Where the gateways of one model meet. Every call may raise StoreUnavailable."""

    def __init__(self, client: Redis, model: str) -> None:
        self._client: Any = client
        tag = f"us:migration:{{{model}}}"
        self._state, self._counts = tag.encode(), f"{tag}:counts".encode()

    async def read(self) -> Migration:
        """One of revision 0 where nothing was ever migrated. Raises Corrupt."""
        with unavailable_when_failing("read the state of a migration"):
            fields = await self._client.hgetall(self._state)
        return Migration.read(fields) if fields else Migration()

    async def replace(self, held: Migration, wanted: Migration) -> bool:
        """False when somebody else was faster: read again."""
        with unavailable_when_failing("write the state of a migration"):
            return bool(
                await self._client.eval(
                    REPLACE, 2, self._state, self._counts, held.revision, *wanted.fields()
                )
            )

    async def count(self, held: Migration, seen: Standing) -> Standing | None:
        """Adds to the window that runs; what all gateways saw in the one before it. None when the
        state is another by now, which counts nothing."""
        with unavailable_when_failing("count for a migration"):
            told = await self._client.eval(
                COUNT, 2, self._state, self._counts, held.revision, held.window_ms,
                COUNTS_KEPT_MS, *seen,
            )  # fmt: skip
        return None if told is None else Standing(*map(int, told))
