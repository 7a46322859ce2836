from collections.abc import AsyncIterator, Iterator

import pytest
from redis.asyncio import Redis

from cache.connection import connect
from tests.cache.cluster.nodes import Cluster, running_cluster

PATIENT_MS = 60_000


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
