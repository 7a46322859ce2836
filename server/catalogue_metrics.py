"""What a process says of its catalogue."""

from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Gauge

from models.features.live_catalogue import LiveCatalogue
from server.collectors import Tally

PREFIX: Final = "understudy_catalogue_"


class CatalogueMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._items = self._gauge("items", "Items known, those withdrawn among them")
        self._delta = self._gauge(
            "delta_rows", "Items that are not as the catalogue's file has them"
        )
        self._newest = self._gauge("newest_timestamp_seconds", "Time of the newest update applied")
        self._lag = self._gauge("lag_seconds", "What the newest update waited to be applied")
        self._newest_ms = 0
        self.updates = Tally(
            PREFIX + "updates_total", "Rows told of items by what became of them", "outcome"
        )
        registry.register(self.updates)

    def watch(self, catalogue: Callable[[], LiveCatalogue]) -> None:
        """The one that is answered from, whichever that is by now."""
        self._items.set_function(lambda: len(catalogue().view))
        self._delta.set_function(lambda: len(catalogue().view.delta))

    def newest(self, at_ms: int, now_ms: int | None) -> None:
        """Without `now_ms`, of what was told before this process read on."""
        if at_ms <= self._newest_ms:
            return
        self._newest_ms = at_ms
        self._newest.set(at_ms / 1000.0)
        if now_ms is not None:
            self._lag.set((now_ms - at_ms) / 1000.0)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(PREFIX + name, text, registry=self._registry)
