"""What a gateway says of itself, several times a second."""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec
from msgspec import Struct

from cache.standing import Standing

ALIVE_MS: Final = 5_000
FORGOTTEN_MS: Final = 3_600_000

CandidateState = Literal["absent", "opening", "warm", "failed"]


class Presence(Struct, frozen=True):
    seen_ms: int
    """When it was said, by the server's time."""
    revision: int = 0
    """Of the state that it follows."""
    stable_version: str = ""
    candidate: str = ""
    """As the state names it."""
    candidate_version: str = ""
    candidate_state: CandidateState = "absent"
    detail: str = ""
    """Why it failed, or what is done; without a candidate, why the student before is not open."""
    fills: bool = False
    """Whether candidate and stable read different spaces."""
    seen: int = 0
    held: int = 0
    ready: int = 0
    """Of the mirror, since this tally began: see Standing."""
    host: str = ""
    pid: int = 0

    @property
    def standing(self) -> Standing:
        return Standing(self.seen, self.held, self.ready)

    @property
    def where(self) -> str:
        return f"{self.host}, process {self.pid}"

    def encode(self) -> bytes:
        return msgspec.json.encode(self)


_DECODER: Final = msgspec.json.Decoder(Presence)


def read_fleet(told: Mapping[str, bytes]) -> dict[str, Presence]:
    """Without those that cannot be read: of another version, which will say so again."""
    fleet: dict[str, Presence] = {}
    for gateway, body in told.items():
        try:
            fleet[gateway] = _DECODER.decode(body)
        except msgspec.MsgspecError:
            continue
    return fleet


def alive(fleet: Mapping[str, Presence], now_ms: int) -> dict[str, Presence]:
    return {name: each for name, each in fleet.items() if now_ms - each.seen_ms <= ALIVE_MS}


def forgotten(fleet: Mapping[str, Presence], now_ms: int) -> list[str]:
    return [name for name, each in fleet.items() if now_ms - each.seen_ms > FORGOTTEN_MS]
