from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import pytest
from redis.asyncio import Redis

from cache.connection import connect
from tests.cache.cluster.nodes import Cluster, running_cluster

PATIENT_MS = 60_000
GUIDE: Final = Path(__file__).parents[3] / "docs" / "operations.md"


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """For tests that leave every node alive and every slot where it was: on a machine that is busy
    for a while no node may be taken for dead."""
    folder = tmp_path_factory.mktemp("cluster")
    with running_cluster(folder, node_timeout_ms=PATIENT_MS) as cluster:
        yield cluster


@pytest.fixture
def cluster_url(cluster: Cluster) -> str:
    cluster.flush()
    return cluster.url


@pytest.fixture
async def client(cluster_url: str) -> AsyncIterator[Redis]:
    client = connect(cluster_url)
    yield client
    await client.aclose()


@pytest.fixture(scope="module")
def guarded(cluster: Cluster) -> Iterator[Cluster]:
    """With the users that docs/operations.md gives each role."""
    block = GUIDE.read_text(encoding="utf-8").partition("```acl\n")[2].partition("```")[0]
    rules = [line.split()[1:] for line in block.splitlines()]
    for server in cluster.servers:
        for rule in rules:
            server.call("ACL", "SETUSER", *rule)
    yield cluster
    for server in cluster.servers:
        server.call("ACL", "DELUSER", *(name for name, *_ in rules))
