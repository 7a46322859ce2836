"""Scores → the ordered answer."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from models.features.records import F32, F64, I64, U64, Mask
from models.schema import TIERS
from server.caps import Caps
from server.pins import Pins
from server.rerank import Picked, Room, Wish, diversify
from server.scratch import Scratch

NONE, USER = TIERS.index("none"), TIERS.index("user")
NO_WISH = Wish(0.0)


class Order(NamedTuple):
    positions: I64  # [k] of the candidates, best first
    values: F64  # [N] score × bid, or the score
    reasons: tuple[str, ...] = ()  # why the rerank gave less than asked


class Bound(NamedTuple):
    """What a request lays down about its slate, of the N candidates that can be shown."""

    places: I64 | None  # [N] that each is pinned to, from 1; 0 = wherever
    groups: U64  # [N, C] keys; 0 = of no group
    limits: tuple[int, ...]  # [C] most of a group
    excluded: int  # candidates that were left out


@dataclass(frozen=True, slots=True)
class Ordering:
    """How slates are ordered; the settings' part of it. One order at a time."""

    rerank_depth: int
    rerank_budget_ms: float
    scratch: Scratch = field(default_factory=Scratch)

    def order(
        self,
        scores: F64,
        bids: F64 | None,
        hints: tuple[F32, I64] | None,  # z [N, d] and tier [N]
        top_k: int | None,
        wish: Wish = NO_WISH,
        bound: Bound | None = None,
    ) -> Order:
        values = scores if bids is None else scores * bids
        by_value = np.argsort(-values, kind="stable")
        is_plain = wish.strength <= 0.0 or not len(values)
        if is_plain and bound is None:
            return Order(by_value[:top_k], values)
        length = len(values) if top_k is None else min(top_k, len(values))
        making = _Making.of(by_value, length, bound)
        picked = Picked([], None)
        if not is_plain:
            room = Room(min(self.rerank_depth, length), self.rerank_budget_ms, *making.rules)
            z, known = _embeddings(by_value, hints)
            picked = diversify(values[by_value], z, known, wish, room, self.scratch)
        slate = making.slate(picked.items)
        reasons = _reasons(picked, making, bound, len(slate), top_k)
        return Order(by_value[slate], values, reasons)


class _Making(NamedTuple):
    """A slate of candidates that are numbered by value, the best first."""

    candidates: int
    length: int
    pins: Pins
    caps: Caps | None

    @classmethod
    def of(cls, by_value: I64, length: int, bound: Bound | None) -> "_Making":
        if bound is None:
            return cls(len(by_value), length, Pins.of(None), None)
        pins = Pins.of(None if bound.places is None else bound.places[by_value])
        caps = Caps(bound.groups[by_value], bound.limits) if bound.limits else None
        if caps is not None:
            for item in pins.items.tolist():
                caps.take(item)
        return cls(len(by_value), length, pins, caps)

    @property
    def rules(self) -> tuple[Pins, Caps | None]:
        return self.pins, self.caps

    def slate(self, picks: list[int]) -> I64:
        """The picks, then the rest by value, around the pins."""
        is_left = np.ones(self.candidates, np.bool_)
        is_left[picks] = is_left[self.pins.items] = False
        rest, wanted = np.flatnonzero(is_left), self.length - len(picks) - len(self.pins.items)
        if self.caps is not None:
            rest = self.caps.next(rest, max(wanted, 0))
        return self.pins.among(np.concatenate([np.array(picks, np.int64), rest]), self.length)


def _embeddings(by_value: I64, hints: tuple[F32, I64] | None) -> tuple[F32, Mask]:
    if hints is None:
        return np.zeros((len(by_value), 1), np.float32), np.zeros(len(by_value), np.bool_)
    z, tier = hints
    # A user's aggregate is the same vector for every candidate: it says nothing of this item.
    is_own = (tier != NONE) & (tier != USER)
    return z.take(by_value, axis=0), is_own.take(by_value)


def _reasons(
    picked: Picked, making: _Making, bound: Bound | None, length: int, top_k: int | None
) -> tuple[str, ...]:
    reasons = [] if picked.reason is None else [picked.reason]
    if bound is not None and length < _wanted(making.candidates, bound.excluded, top_k):
        reasons.append("short_slate")
    if making.caps is not None and making.caps.is_over:
        reasons.append("pins_over_cap")
    return tuple(reasons)


def _wanted(count: int, excluded: int, top_k: int | None) -> int:
    """As many as there would be without pins, caps and exclusions."""
    return count if top_k is None else min(top_k, count + excluded)
