"""Who comes in: whether a key is needed, what it allows, and what is counted of it."""

from collections.abc import Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge
from starlette.types import Scope

from server.access.key_ring import Holder, KeyRing
from server.access.keys_file import Key, read_keys
from server.arrival import HUNG_UP
from server.caller import PATIENT, Caller
from server.collectors import Counts
from server.wire import LOW, RankRequest


class AccessMetrics:
    def __init__(self) -> None:
        self.candidates = Counts(
            "understudy_key_candidates_total", "Candidates that came in, by key", ["key"]
        )
        self.over_quota = Counts(
            "understudy_key_over_quota_total",
            "Candidates above a key's quota: refused, or in a dry run counted alone",
            ["key", "outcome"],
        )
        self.keys = Gauge("understudy_keys", "Keys that are taken", registry=None)
        self.is_stale = False
        self._stale = Gauge(
            "understudy_keys_file_unread",
            "1 while the file of keys cannot be read as it is now: those read before hold",
            registry=None,
        )
        self._stale.set_function(lambda: self.is_stale)

    def register(self, registry: CollectorRegistry) -> None:
        for collector in (self.candidates, self.over_quota, self.keys, self._stale):
            registry.register(collector)


class Door:
    """Open to all without a file of keys."""

    def __init__(self, keys_file: Path | None, registry: CollectorRegistry) -> None:
        """Raises KeysInvalid."""
        self.metrics = AccessMetrics()
        self._ring = KeyRing()
        self._is_open = keys_file is None
        if keys_file is not None:
            self.take(read_keys(keys_file))
            self.metrics.register(registry)

    def take(self, keys: Sequence[Key]) -> None:
        """In place of those before."""
        self._ring.take(keys)
        self.metrics.keys.set(len(keys))

    def check(self, scope: Scope) -> Holder | None:
        """Before the body is read. Raises Unauthorized."""
        return None if self._is_open else self._ring.holder(scope)

    def enter(self, holder: Holder | None, request: RankRequest, scope: Scope) -> Caller:
        """Raises QuotaExceeded."""
        if holder is not None:
            self._spend(holder, _count(request))
        is_low = request.priority == LOW or (holder is not None and holder.is_low)
        return Caller(scope.get(HUNG_UP, PATIENT.has_hung_up), is_low)

    def _spend(self, holder: Holder, candidates: int) -> None:
        name = holder.key.name
        wait_s = holder.over_quota_s(candidates)
        if wait_s:
            outcome = "dry_run" if holder.key.dry_run else "refused"
            self.metrics.over_quota.count(name, outcome).value += candidates
            if not holder.key.dry_run:
                raise holder.exceeded(candidates, wait_s)
        self.metrics.candidates.count(name).value += candidates


def _count(request: RankRequest) -> int:
    return len(request.item_ids or request.candidates or ())
