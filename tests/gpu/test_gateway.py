"""A whole gateway on a GPU: granted, the CPU's scores, and a rollout under requests. `make gpu`
runs it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from cache.connection import connect
from cache.embedded import EmbeddedValkey
from cache.rollout_board import RolloutBoard
from loadtest.bench.bodies import Pools, requests_of
from server.serving_folder import open_serving_folder
from tests.bundles import ITEMS, NOW_MS, SPACE, serving_folder
from tests.gpu.gateways import Standing, apart, beside
from tests.gpu.granted import require
from tests.migration.measure_swaps import swapped
from tests.migration.test_swaps import Load, version_of
from tests.server.rollout.lanes.process import serving_of

pytestmark = [pytest.mark.gpu, pytest.mark.redis]
TOLERANCE = 1e-4
SIZES = (1, 64, 65, 200)
USERS = [f"user-{number}" for number in range(20)]
POOLS = Pools(USERS, {"placement": "feed"}, [f"item-{number}" for number in range(ITEMS)])


class Both(NamedTuple):
    on_cpu: Standing
    on_gpu: Standing
    redis_url: str
    first: Path


@pytest.fixture(scope="module", params=["cuda", "cuda-graphs"])
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Both]:
    """Two gateways of one student on one Valkey."""
    folder = tmp_path_factory.mktemp("gateways")
    first = serving_folder(tmp_path_factory.mktemp("first"))
    has_graphs = request.param != "cuda"
    require("cuda", open_serving_folder(first).student, has_graphs=has_graphs)
    with (
        pytest.MonkeyPatch.context() as patched,
        EmbeddedValkey(folder / "valkey") as valkey,
    ):
        patched.setenv("UNDERSTUDY_DEADLINE_MS", "30000")
        patched.setenv("UNDERSTUDY_CACHE_TIMEOUT_MS", "2000")
        with (
            beside(first, valkey.url, "cpu", folder / "cpu.log") as on_cpu,
            beside(first, valkey.url, request.param, folder / "gpu.log") as on_gpu,
        ):
            yield Both(on_cpu, on_gpu, valkey.url, first)


async def check_alike(both: Both) -> None:
    for size in SIZES:
        requests = requests_of(POOLS, size, {"timestamp_ms": NOW_MS, "top_k": size})
        found = await apart(both.on_cpu.url, both.on_gpu.url, requests)
        assert found.requests == 2 * len(USERS)
        assert found.score < TOLERANCE


def test_metrics_say_what_runs_the_student(both: Both) -> None:
    with urlopen(f"{both.on_gpu.url}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    told = [line for line in lines if line.startswith("understudy_provider_info{")]
    assert ['provider="cuda"' in line for line in told] == [True]


async def test_scores_are_those_of_the_cpu(both: Both) -> None:
    await check_alike(both)


async def test_rollout_under_requests_fails_none(both: Both, tmp_path: Path) -> None:
    """Both gateways try it, open it and answer from it."""
    following = serving_of(tmp_path / "following", space=SPACE)
    load, stop = Load(urlsplit(both.on_gpu.url).port or 0), asyncio.Event()
    client = connect(both.redis_url)
    running = asyncio.create_task(load.run(stop))
    try:
        await swapped(RolloutBoard(client, "student"), following)
    finally:
        stop.set()
        await running
        await load.close()
        await client.aclose()
    assert not any(each.is_degraded for each in load.told)  # a model that fails is answered for
    assert {each.status for each in load.told} == {200}
    assert {each.version for each in load.told} == {version_of(both.first), version_of(following)}
    await check_alike(both)
