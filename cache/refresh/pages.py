"""Writing pages: merge into what is there, compare and set, try again when somebody was faster."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from cache import page
from cache.entries import Entries, aggregate_of, merged
from cache.errors import PageCorrupt
from cache.keys import page_key
from cache.page import Page
from cache.quantise import Precision
from cache.refresh.tally import Tally
from cache.sequence import Spoken, lengthened
from cache.stamp import Stamp, stamp_of
from cache.store import Replacement, Store
from cache.tiers import TtlPolicy

ATTEMPTS: Final = 5
SEQUENCE: Final = 50
RETENTION_S: Final = 30 * 86_400.0

Widths = tuple[int, int]
"""Of z, and of a logit: its tasks."""


class Fresh(NamedTuple):
    """What the teacher has just said about a user, and the fencing token of who asked it."""

    entries: Entries
    past: Spoken
    fence: int | None = 0  # None: whatever the page has, of a writer without a lease


class SequencePolicy(NamedTuple):
    length: int = SEQUENCE
    retention_s: float = RETENTION_S


KEPT: Final = SequencePolicy()


class PageRules(NamedTuple):
    """The same for all who write the pages of a space."""

    ttl: TtlPolicy
    precision: Precision = Precision.INT8
    entries: int = 512
    sequence: SequencePolicy = KEPT


class HeldPage(NamedTuple):
    page: Page | None
    stamp: Stamp
    is_damaged: bool = False
    """What was judged for it is gone."""


def held_page(value: bytes | None, widths: Widths | None = None) -> HeldPage:
    """One that is damaged, or not of `widths`, reads as none, and is written over."""
    try:
        held = None if value is None else page.decode(value)
    except PageCorrupt:
        held = None
    if held is not None and widths not in (None, (held.dim, held.tasks)):
        held = None
    return HeldPage(held, stamp_of(value), is_damaged=held is None and value is not None)


class PageWriter:
    """A page that was written under a higher fence than what is to be written is left alone."""

    def __init__(self, store: Store, space: str, rules: PageRules, tally: Tally) -> None:
        self._store = store
        self._space = space
        self._tally = tally
        self.rules: Final = rules

    def key(self, user_id: str) -> bytes:
        return page_key(user_id, self._space)

    async def write(
        self, fresh: Mapping[str, Fresh], held: Mapping[str, HeldPage]
    ) -> frozenset[str]:
        """Users whose pages could not be written in ATTEMPTS; the rest is stored."""
        waiting = {user: (said, held[user]) for user, said in fresh.items()}
        for _ in range(ATTEMPTS):
            refused = await self._try(waiting)
            if not refused:
                return frozenset()
            self._tally.add("pages", "conflict", len(refused))
            values = await self._store.get_many([self.key(user) for user in refused])
            waiting = {
                user: (fresh[user], held_page(value))
                for user, value in zip(refused, values, strict=True)
                if not self._is_fenced(stamp_of(value), fresh[user].fence)
            }
        return frozenset(waiting)

    async def _try(self, waiting: Mapping[str, tuple[Fresh, HeldPage]]) -> Sequence[str]:
        replacements = [self._replacement(user, *entry) for user, entry in waiting.items()]
        written = await self._store.replace_many(replacements, self._key_ttl_s)
        self._tally.add("pages", "written", sum(written))
        return [user for user, is_written in zip(waiting, written, strict=True) if not is_written]

    @property
    def _key_ttl_s(self) -> float:
        """A page outlives its entries for the sake of its sequence."""
        policy = self.rules.sequence
        return max(self.rules.ttl.hard_s, policy.retention_s if policy.length else 0.0)

    def _replacement(self, user: str, fresh: Fresh, held: HeldPage) -> Replacement:
        entries, now_ms = fresh.entries, int(fresh.entries.computed_at_ms.max())
        old = held.page if _is_alike(entries, held.page) else None
        kept, dropped = merged(
            self._old_entries(entries, old),
            entries,
            alive_since_ms=now_ms - round(self.rules.ttl.hard_s * 1000),
            limit=self.rules.entries,
        )
        self._tally.add("page_entries", "dropped", dropped)
        sequence = lengthened(
            old and old.sequence,
            fresh.past,
            alive_since_ms=now_ms - round(self.rules.sequence.retention_s * 1000),
            limit=self.rules.sequence.length,
        )
        version = held.stamp.version + 1
        fence = held.stamp.fence if fresh.fence is None else fresh.fence
        value = page.encode(kept, aggregate_of(kept), sequence, version=version, fence=fence)
        return Replacement(self.key(user), value, held.stamp.version, fence)

    def _old_entries(self, fresh: Entries, held: Page | None) -> Entries:
        """In this writer's precision."""
        if held is None:
            return fresh.taken(slice(0))
        return held.entries().held_in(self.rules.precision)

    def _is_fenced(self, stamp: Stamp, fence: int | None) -> bool:
        fenced = fence is not None and stamp.fence > fence
        self._tally.add("pages", "fenced", int(fenced))
        return fenced


def _is_alike(fresh: Entries, held: Page | None) -> bool:
    """A space never changes its widths: where they differ, somebody else wrote."""
    widths = (fresh.codes.shape[1], fresh.logit.shape[1])
    return held is not None and (held.dim, held.tasks) == widths
