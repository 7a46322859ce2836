"""A lane without a process around it, over a store in memory."""

from pathlib import Path
from typing import Any

from cache.breaker import CircuitBreaker
from cache.memory_store import MemoryStore
from server.cache_links import CacheLinks
from server.lane import Lane, build_lane, load_model, load_stand_in
from server.metrics import Metrics
from tests.server.live import settings_for


def open_lane(folder: Path, **overrides: Any) -> Lane:
    settings = settings_for(folder, **overrides)
    links = CacheLinks(settings, MemoryStore(), CircuitBreaker(), None, None)
    model, catalogue = load_model(settings, folder)
    stand_in = load_stand_in(settings, model.manifest)
    return build_lane("stable", folder, model, catalogue, links, Metrics(), stand_in)
