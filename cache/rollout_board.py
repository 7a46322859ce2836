"""Where the gateways of one model agree on a rollout: bytes that others make and read.

The state is replaced whole, by compare-and-set on its revision. Who decides holds a lease for a
time that the server counts, under a token of its own.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from redis.asyncio import Redis

from cache.connection import unavailable_when_failing
from cache.errors import Corrupt
from cache.rollout_scripts import LEAD, PRESENT, READ, REPLACE, RESIGN, RESTORE

HISTORY: Final = 1000
"""Audit entries that stay, about."""
KEPT_MS: Final = 86_400_000
"""Sums and the fleet, after the last gateway wrote, or sums were kept."""


class Held(NamedTuple):
    revision: int  # 0 where nothing was ever rolled out
    since_ms: int  # when it was written, by the server's time, as is the next
    now_ms: int
    body: bytes | None


class RolloutBoard:
    """Each call is one step of the server, and may be repeated; any may raise StoreUnavailable."""

    def __init__(self, client: Redis, model: str) -> None:
        self._client: Any = client
        self.model = model
        self._tag = f"us:rollout:{{{model}}}"
        self._state, self._history = self._tag.encode(), self._key("history")
        self._leader, self._fleet = self._key("leader"), self._key("fleet")

    async def read(self) -> Held:
        """Raises Corrupt."""
        with unavailable_when_failing("read the state of a rollout"):
            told = await self._client.eval(READ, 1, self._state)
        try:
            revision, since_ms, now_ms = map(int, told[:3])
        except (TypeError, ValueError) as error:
            key = self._state.decode()
            raise Corrupt(
                f"{key} holds no state of a rollout: {error}: delete that key, and start again"
            ) from error
        return Held(revision, since_ms, now_ms, told[3])

    async def replace(
        self, revision: int, body: bytes, entry: bytes, token: bytes | None = None
    ) -> bool:
        """With its audit entry. False when another state is held by now, or, with a token, when
        the lease is not its: read again."""
        keys = (self._state, self._history, self._leader)
        with unavailable_when_failing("write the state of a rollout"):
            done = await self._client.eval(
                REPLACE, len(keys), *keys, revision, body, entry, token or b"", HISTORY
            )
        return bool(done)

    async def restore(self, revision: int, known: Held, entry: bytes) -> bool:
        """All of a state that the server has lost, in place of the one of that revision. False
        when another is held by now. With its audit entry."""
        keys = (self._state, self._history)
        told = (known.revision, known.since_ms, known.body, entry)
        with unavailable_when_failing("write back the state of a rollout"):
            done = await self._client.eval(RESTORE, len(keys), *keys, revision, *told, HISTORY)
        return bool(done)

    async def lead(self, token: bytes, for_ms: int) -> bool:
        """Takes the lease, or extends it; False while another holds it."""
        with unavailable_when_failing("take the lease of a rollout"):
            return bool(await self._client.eval(LEAD, 1, self._leader, token, for_ms))

    async def leader(self) -> str | None:
        """Whoever has the lease."""
        with unavailable_when_failing("read who leads a rollout"):
            token = await self._client.get(self._leader)
        return None if token is None else str(token.decode())

    async def resign(self, token: bytes) -> None:
        with unavailable_when_failing("give back the lease of a rollout"):
            await self._client.eval(RESIGN, 1, self._leader, token)

    async def present(
        self, gateway: str, told: bytes, sums: Mapping[str, bytes], tally: str
    ) -> None:
        """What this gateway says of itself, and its own sums of that tally by lane, each whole."""
        fields = [part for lane, held in sums.items() for part in (f"{gateway}:{lane}", held)]
        keys = (self._fleet, self._key(f"sums:{tally}"))
        with unavailable_when_failing("report to a rollout"):
            await self._client.eval(PRESENT, len(keys), *keys, KEPT_MS, gateway, told, *fields)

    async def fleet(self) -> dict[str, bytes]:
        """By gateway."""
        with unavailable_when_failing("read who follows a rollout"):
            return _named(await self._client.hgetall(self._fleet))

    async def forget(self, gateways: Iterable[str]) -> None:
        """One that lives on says so again."""
        names = list(gateways)
        if names:
            with unavailable_when_failing("forget gateways of a rollout"):
                await self._client.hdel(self._fleet, *names)

    async def sums(self, tally: str) -> dict[str, bytes]:
        """By "<gateway>:<lane>"."""
        with unavailable_when_failing("read the sums of a rollout"):
            return _named(await self._client.hgetall(self._key(f"sums:{tally}")))

    async def keep_sums(self, tally: str) -> None:
        """As if they had been written now. Those that are gone stay so."""
        with unavailable_when_failing("keep the sums of a rollout"):
            await self._client.pexpire(self._key(f"sums:{tally}"), KEPT_MS)

    async def history(self, count: int) -> list[tuple[str, bytes]]:
        """The newest first."""
        with unavailable_when_failing("read the history of a rollout"):
            entries = await self._client.xrevrange(self._history, count=count)
        return [(entry.decode(), fields[b"entry"]) for entry, fields in entries]

    def _key(self, part: str) -> bytes:
        return f"{self._tag}:{part}".encode()


def _named(fields: Mapping[bytes, bytes]) -> dict[str, bytes]:
    return {name.decode(): held for name, held in fields.items()}
