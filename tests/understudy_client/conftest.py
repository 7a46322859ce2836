from collections.abc import Iterator
from typing import Literal

import httpx
import pytest

from tests.server.conftest import gateway, redis_url, served
from tests.understudy_client.asked import Asked
from tests.understudy_client.scripted import ScriptedGateway

__all__ = ["gateway", "redis_url", "served"]


@pytest.fixture(params=["blocking", "asyncio"])
def kind(request: pytest.FixtureRequest) -> Literal["blocking", "asyncio"]:
    chosen: Literal["blocking", "asyncio"] = request.param
    return chosen


@pytest.fixture
def asked(gateway: httpx.Client, kind: Literal["blocking", "asyncio"]) -> Iterator[Asked]:
    """Either client, before a live gateway and with time enough for a busy machine."""
    with Asked(kind, str(gateway.base_url), deadline_ms=30_000.0) as asked:
        yield asked


@pytest.fixture
def scripted() -> Iterator[ScriptedGateway]:
    with ScriptedGateway() as server:
        yield server
