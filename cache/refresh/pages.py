"""Writing pages: merge into what is there, compare and set, try again when somebody was faster."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from cache import page
from cache.entries import Entries, aggregate_of, merged
from cache.errors import PageCorrupt
from cache.keys import page_key
from cache.page import Page
from cache.quantise import DTYPES, Precision
from cache.refresh.tally import Tally
from cache.stamp import Stamp, stamp_of
from cache.store import Replacement, Store
from cache.tiers import TtlPolicy

ATTEMPTS: Final = 5


class HeldPage(NamedTuple):
    page: Page | None
    stamp: Stamp


def held_page(value: bytes | None) -> HeldPage:
    """A damaged page reads as none, and is written over."""
    try:
        return HeldPage(None if value is None else page.decode(value), stamp_of(value))
    except PageCorrupt:
        return HeldPage(None, stamp_of(value))


class PageWriter:
    """Writers of one space share a fence; one with a lower fence than a page's may not touch it."""

    def __init__(
        self,
        store: Store,
        space: str,
        ttl: TtlPolicy,
        tally: Tally,
        *,
        precision: Precision = Precision.INT8,
        entry_limit: int = 512,
        fence: int = 0,
    ) -> None:
        self._store = store
        self._space = space
        self._ttl = ttl
        self._tally = tally
        self._precision = precision
        self._entry_limit = entry_limit
        self._fence = fence

    @property
    def precision(self) -> Precision:
        return self._precision

    def key(self, user_id: str) -> bytes:
        return page_key(user_id, self._space)

    async def write(
        self, fresh: Mapping[str, Entries], held: Mapping[str, HeldPage]
    ) -> frozenset[str]:
        """Users whose pages could not be written in ATTEMPTS; the rest is stored."""
        waiting = {user: (entries, held[user]) for user, entries in fresh.items()}
        for _ in range(ATTEMPTS):
            refused = await self._try(waiting)
            if not refused:
                return frozenset()
            self._tally.add("pages", "conflict", len(refused))
            values = await self._store.get_many([self.key(user) for user in refused])
            waiting = {
                user: (fresh[user], held_page(value))
                for user, value in zip(refused, values, strict=True)
                if not self._is_fenced(stamp_of(value))
            }
        return frozenset(waiting)

    async def _try(self, waiting: Mapping[str, tuple[Entries, HeldPage]]) -> Sequence[str]:
        replacements = [self._replacement(user, *entry) for user, entry in waiting.items()]
        written = await self._store.replace_many(replacements, self._ttl.hard_s)
        self._tally.add("pages", "written", sum(written))
        return [user for user, is_written in zip(waiting, written, strict=True) if not is_written]

    def _replacement(self, user: str, fresh: Entries, held: HeldPage) -> Replacement:
        alive_since_ms = int(fresh.computed_at_ms.max()) - round(self._ttl.hard_s * 1000)
        kept = merged(
            self._compatible(fresh, held.page),
            fresh,
            alive_since_ms=alive_since_ms,
            limit=self._entry_limit,
        )
        value = page.encode(
            kept, aggregate_of(kept), version=held.stamp.version + 1, fence=self._fence
        )
        return Replacement(self.key(user), value, held.stamp.version, self._fence)

    def _compatible(self, fresh: Entries, held: Page | None) -> Entries:
        """The old entries in this writer's precision; none of them when they have other widths,
        which a space never changes: somebody else wrote there."""
        if held is None or (held.dim, held.tasks) != (fresh.codes.shape[1], fresh.logit.shape[1]):
            return fresh.taken(slice(0))
        old = held.entries()
        if old.codes.dtype == DTYPES[self._precision]:
            return old
        return Entries.of(old.pair_keys, old.computed_at_ms, old.logit, old.z(), self._precision)

    def _is_fenced(self, stamp: Stamp) -> bool:
        fenced = stamp.fence > self._fence
        self._tally.add("pages", "fenced", int(fenced))
        return fenced
