"""Gateways beside an `understudy up`, each on a provider of its own, that read the same pages."""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.request import urlopen

from loadtest.bench.warm import SETTINGS
from loadtest.errors import ProcessMissing
from loadtest.pool import Pool
from loadtest.stack import CLI, free_port, stopped_at_the_end, wait_ready

HOST: Final = "127.0.0.1"
GRAPHS: Final = "-graphs"
TIMEOUT_S: Final = 5.0


class Standing(NamedTuple):
    url: str
    ready_s: float  # from its start


class Apart(NamedTuple):
    """Two gateways' scores of the same requests at the same time."""

    requests: int  # that neither answered degraded
    score: float  # the largest difference of one


def settings_of(name: str) -> dict[str, str]:
    """`cpu`, `cuda`, `cuda-graphs` and so on, as `server.side_by_side` names them."""
    graphs = str(name.endswith(GRAPHS)).lower()
    return {"UNDERSTUDY_PROVIDER": name.removesuffix(GRAPHS), "UNDERSTUDY_CUDA_GRAPHS": graphs}


@contextmanager
def beside(source: Path, redis_url: str, name: str, log: Path) -> Iterator[Standing]:
    """`understudy serve`, ready. Raises ProcessMissing, also where it runs on another provider."""
    port, began = free_port(HOST), time.perf_counter()
    given = {"UNDERSTUDY_REDIS_URL": redis_url, "UNDERSTUDY_DRAIN_S": "0"}
    with log.open("wb") as says:
        process = subprocess.Popen(
            [*CLI, "serve", "--from", str(source), "--host", HOST, "--port", str(port)],
            env={**os.environ, **SETTINGS, **settings_of(name), **given, "UNDERSTUDY_REPLAY": "1"},
            stderr=says,
            start_new_session=True,
        )
    with stopped_at_the_end(process):
        wait_ready(f"http://{HOST}:{port}", process, f"the gateway that {log} is of")
        standing = Standing(f"http://{HOST}:{port}", time.perf_counter() - began)
        check_granted(standing.url, name)
        yield standing


def check_granted(url: str, name: str) -> None:
    """By its own word. Raises ProcessMissing."""
    with urlopen(f"{url}/readyz", timeout=TIMEOUT_S) as answer:
        granted = json.load(answer)["provider"]
    if granted != settings_of(name)["UNDERSTUDY_PROVIDER"]:
        raise ProcessMissing(f"the gateway at {url} runs on {granted}, not on {name}")


async def apart(first: str, second: str, requests: Sequence[bytes]) -> Apart:
    """`requests` name their own time, and so they are the same for both. Twice of each, since a
    CUDA graph is captured by one run and replayed by the next."""
    found: list[float] = []
    async with Pool(first, 1) as one, Pool(second, 1) as other:
        for request in (*requests, *requests):
            told, said = await _scores(one, request), await _scores(other, request)
            if told is not None and said is not None:
                found.append(max(abs(said[item] - score) for item, score in told.items()))
    return Apart(len(found), max(found, default=float("nan")))


async def _scores(pool: Pool, request: bytes) -> dict[str, float] | None:
    """By item; None of an answer that is degraded."""
    answer = await pool.send(request, TIMEOUT_S)
    if answer.status != 200:
        raise ProcessMissing(f"status {answer.status}: {answer.body[:200]!r}")
    told: dict[str, Any] = json.loads(answer.body)
    return None if told["degraded"] else dict(zip(told["item_ids"], told["scores"], strict=True))
