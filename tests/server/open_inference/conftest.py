from collections.abc import Iterator
from typing import NamedTuple

import httpx
import numpy as np
import pytest

from cache.embedded import EmbeddedValkey
from loadtest.stack import free_port
from tests.bundles import NOW_MS, rank_body, tiny_users
from tests.server.conftest import Served
from tests.server.live import live_gateway, settings_for
from tests.server.loaded_cache import page_of, records_of, write

HOST = "127.0.0.1"
BODY = rank_body("user-1", 20, timestamp_ms=NOW_MS)
ITEMS: list[str] = BODY["item_ids"]


class Addresses(NamedTuple):
    rest: httpx.Client  # the same gateway, for the rank request that says the same
    http: str
    grpc: str
    version: str


@pytest.fixture(scope="session")
def addresses(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Addresses]:
    """A gateway with hints for ten of twenty candidates, in a Valkey of its own."""
    rng = np.random.default_rng(1)
    z, logit = rng.normal(size=(10, 8)), rng.normal(size=(10, 2))
    hints = z.astype(np.float32), logit.astype(np.float32)
    port = free_port(HOST)
    with EmbeddedValkey(tmp_path_factory.mktemp("valkey")) as valkey:
        write(valkey.url, records_of(tiny_users()))
        write(valkey.url, page_of("user-1", ITEMS[:10], *hints, NOW_MS - 60_000))
        settings = settings_for(served.student, redis_url=valkey.url, grpc_port=port)
        with live_gateway(settings) as client:
            version = client.get("/readyz").json()["version"]
            yield Addresses(client, f"{HOST}:{client.base_url.port}", f"{HOST}:{port}", version)
