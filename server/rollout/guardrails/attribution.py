"""Events joined to the answers they belong to, once these are old enough to be complete.

An answer counts when its attribution window has passed, with what came within it. The other way,
to count at once and weigh by the known distribution of delays, needs both lanes to have the same
one; a student that shows other ads changes it, and would be judged by its delays. Waiting costs
only the window, in which the other guardrails watch.
"""

from collections import defaultdict, deque
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from models.features.records import F32, F64, I64, U64

MOST_ANSWERS: Final = 50_000
MOST_ITEMS: Final = 2_000_000
MOST_OF_A_USER: Final = 32
"""Answers of one user are all looked through at each of its events."""
GRACE_S: Final = 5.0
"""How long an event may be on its way and still be counted."""


class Settled(NamedTuple):
    user_id: str
    impressions: int
    expected: float  # Σ p over impressions
    spread: float  # Σ p(1 − p)
    clicks: float
    value: float


class Slate(NamedTuple):
    """What was answered, in arrays of its own: a view would keep a whole batch."""

    user_id: str
    at_ms: int  # the request's
    keys: U64  # [n] of items
    bids: F32 | None  # [n] the value of a click; 1 without
    request_id: str = ""


class Held:
    """`scores` `[n]` by lane: of whom answered, or, shadowed, of both."""

    __slots__ = ("clicked", "scores", "shown", "slate", "until_s")

    def __init__(self, slate: Slate, until_s: float) -> None:
        self.slate = slate
        self.until_s = until_s
        self.scores: dict[str, F32] = {}
        self.shown: set[int] | None = None
        self.clicked: set[int] | None = None

    def place(self, item: int) -> int | None:
        places = np.flatnonzero(self.slate.keys == item)
        return int(places[0]) if len(places) else None


class Outcome(NamedTuple):
    lane: str
    settled: Settled


class Attribution:
    """An event that names its request goes to that one's answer, if it was given here. Another goes
    to the newest answer of its user that holds its item, a click rather to one that showed it. Of
    what was not shown, no click counts."""

    def __init__(
        self,
        window_s: float,
        *,
        is_all_shown: bool = False,
        lanes: int = 1,
        answers: int = MOST_ANSWERS,
        items: int = MOST_ITEMS,
    ) -> None:
        """`is_all_shown`: no impression needs to be told. `lanes` must have scored an answer for
        it to count. Past either bound new answers are not followed at all, which, unlike leaving
        out old ones, has nothing to do with whether they will be clicked."""
        self._window_s, self._window_ms = window_s, round(window_s * 1000)
        self._is_all_shown = is_all_shown
        self._lanes = lanes
        self._most_answers, self._most_items = answers, items
        self._items = 0
        self._order: deque[Held] = deque()
        self._by_user: defaultdict[str, list[Held]] = defaultdict(list)

    def __len__(self) -> int:
        return len(self._order)

    def show(self, slate: Slate, now_s: float) -> Held | None:
        """None where there is no room. `now_s` never goes back."""
        mine, items = self._by_user.get(slate.user_id, ()), self._items + len(slate.keys)
        is_full = len(self._order) >= self._most_answers or items > self._most_items
        if is_full or len(mine) >= MOST_OF_A_USER:
            return None
        held = Held(slate, now_s + self._window_s + GRACE_S)
        self._items = items
        self._order.append(held)
        self._by_user[slate.user_id].append(held)
        return held

    def knows(self, user_id: str) -> bool:
        return user_id in self._by_user

    def impression(self, user_id: str, item: int, at_ms: int, request_id: str = "") -> bool:
        """Whether it is of an answer that is held."""
        found = max(self._holding(user_id, item, at_ms, request_id), key=_time, default=None)
        if found is None:
            return False
        held, place = found
        held.shown = (held.shown or set()) | {place}
        return True

    def click(self, user_id: str, item: int, at_ms: int, request_id: str = "") -> bool:
        """Its impression may still be on its way."""
        holding = self._holding(user_id, item, at_ms, request_id)
        shown = [(held, place) for held, place in holding if self._is_shown(held, place)]
        found = max(shown or holding, key=_time, default=None)
        if found is None:
            return False
        held, place = found
        held.clicked = (held.clicked or set()) | {place}
        return True

    def settle(self, now_s: float, most: int | None = None) -> Iterator[Outcome]:
        """Of answers whose window has passed, `most` at once; each is given once."""
        left = len(self._order) if most is None else most
        while left and self._order and self._order[0].until_s <= now_s:
            left -= 1
            held = self._order.popleft()
            self._let_go(held)
            if len(held.scores) >= self._lanes:
                yield from self._outcomes(held)

    def clear(self) -> int:
        """Lets go of all, without a result; how many there were."""
        count = len(self._order)
        self._order.clear()
        self._by_user.clear()
        self._items = 0
        return count

    def _holding(
        self, user_id: str, item: int, at_ms: int, request_id: str
    ) -> list[tuple[Held, int]]:
        mine = self._by_user.get(user_id, ())
        since_ms = 0
        if request_id:  # whose word is better than that of two clocks
            mine = [held for held in mine if held.slate.request_id == request_id]
            since_ms = -self._window_ms
        due = [held for held in mine if since_ms <= at_ms - held.slate.at_ms < self._window_ms]
        found = [(held, held.place(item)) for held in due]
        return [(held, place) for held, place in found if place is not None]

    def _is_shown(self, held: Held, place: int) -> bool:
        return self._is_all_shown or (held.shown is not None and place in held.shown)

    def _let_go(self, held: Held) -> None:
        self._items -= len(held.slate.keys)
        user_id = held.slate.user_id
        mine = self._by_user[user_id]
        mine.pop(0)  # they came in order
        if not mine:
            del self._by_user[user_id]

    def _outcomes(self, held: Held) -> Iterator[Outcome]:
        shown = None if self._is_all_shown else np.array(sorted(held.shown or ()), np.int64)
        if shown is None or len(shown):
            clicked = np.array(
                sorted(place for place in held.clicked or () if self._is_shown(held, place)),
                np.int64,
            )
            for lane, scores in held.scores.items():
                yield Outcome(lane, _settled(held.slate, scores, shown, clicked))


def _time(found: tuple[Held, int]) -> int:
    return found[0].slate.at_ms


def _settled(slate: Slate, scores: F32, shown: I64 | None, clicked: I64) -> Settled:
    p: F64 = (scores if shown is None else scores[shown]).astype(np.float64)
    expected, clicks = float(p.sum()), float(len(clicked))
    spread = max(expected - float(p @ p), 0.0)
    value = clicks if slate.bids is None else float(slate.bids[clicked].sum(dtype=np.float64))
    return Settled(slate.user_id, len(p), expected, spread, clicks, value)
