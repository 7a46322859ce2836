"""A lane without a process around it, over a store in memory."""

from pathlib import Path
from typing import Any

from cache.breaker import CircuitBreaker
from cache.memory_store import MemoryStore
from server.cache_links import CacheLinks
from server.lane import Lane, build_lane, load_model
from server.metrics import Metrics
from tests.server.live import settings_for


def open_lane(folder: Path, **overrides: Any) -> Lane:
    settings = settings_for(folder, **overrides)
    links = CacheLinks(settings, MemoryStore(), CircuitBreaker(), None, None)
    model, catalogue = load_model(settings, folder)
    return build_lane("stable", folder, model, catalogue, links, Metrics())
