"""Who changed what, when and why: one entry for each change of the state."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from server.rollout.state import Stage, State


class Entry(Struct, frozen=True):
    at_ms: int
    """By the server's time."""
    rollout: str
    candidate: str
    from_stage: Stage
    from_step: int
    to_stage: Stage
    to_step: int
    is_paused: bool
    share: float
    by: str
    reason: str
    figures: dict[str, Any] = field(default_factory=dict)

    def encode(self) -> bytes:
        return msgspec.json.encode(self)

    @classmethod
    def of(cls, before: State, after: State, at_ms: int, figures: Mapping[str, Any]) -> "Entry":
        return cls(
            at_ms=at_ms,
            rollout=after.rollout,
            candidate=after.candidate,
            from_stage=before.stage,
            from_step=before.step,
            to_stage=after.stage,
            to_step=after.step,
            is_paused=after.is_paused,
            share=after.share,
            by=after.by,
            reason=after.reason,
            figures=dict(figures),
        )


_DECODER: Final = msgspec.json.Decoder(Entry)


def read_history(told: list[tuple[str, bytes]]) -> list[Entry]:
    """As told, the newest first, without what cannot be read."""
    entries = []
    for _, body in told:
        try:
            entries.append(_DECODER.decode(body))
        except msgspec.MsgspecError:
            continue
    return entries
