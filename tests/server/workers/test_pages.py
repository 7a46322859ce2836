import asyncio
import os
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from server.exposition import OPENMETRICS
from server.workers.pages import WorkerPages
from server.workers.worker import Worker


class Kept:
    def __init__(
        self, folder: Path, index: int, count: int, *, has_exemplars: bool = False
    ) -> None:
        registry = CollectorRegistry()
        self.answered = Counter("answered", "Answers", registry=registry)
        worker = Worker(folder, index, count)
        self.pages = WorkerPages(worker, registry, has_exemplars=has_exemplars)


async def samples(pages: WorkerPages) -> dict[tuple[str, str], float]:
    """(name, worker or state) → value."""
    return {
        (sample.name, sample.labels.get("worker") or sample.labels["state"]): sample.value
        for family in text_string_to_metric_families((await pages.page()).decode())
        for sample in family.samples
    }


async def test_whichever_is_asked_all_are_on_the_page(tmp_path: Path) -> None:
    first, second = Kept(tmp_path, 0, 2), Kept(tmp_path, 1, 2)
    async with first.pages, second.pages:
        first.answered.inc(3)
        second.answered.inc(4)
        expected = {
            ("answered_total", "0"): 3.0,
            ("answered_total", "1"): 4.0,
            ("understudy_workers", "answering"): 2.0,
            ("understudy_workers", "silent"): 0.0,
        }
        assert await samples(first.pages) == await samples(second.pages) == expected


async def test_worker_that_is_gone_is_left_out_and_counted(tmp_path: Path) -> None:
    first = Kept(tmp_path, 0, 3)
    async with first.pages:
        async with Kept(tmp_path, 1, 3).pages:
            pass
        seen = await samples(first.pages)
    assert seen["understudy_workers", "silent"] == 2.0
    assert ("answered_total", "1") not in seen


async def test_worker_begun_again_is_a_reset_of_its_own_series(tmp_path: Path) -> None:
    first, before, after = Kept(tmp_path, 0, 2), Kept(tmp_path, 1, 2), Kept(tmp_path, 1, 2)
    async with first.pages:
        first.answered.inc(5)
        before.answered.inc(9)
        async with before.pages:
            assert (await samples(first.pages))["answered_total", "1"] == 9.0
        before.pages._worker.socket.touch()  # as one that was killed leaves it
        async with after.pages:
            seen = await samples(first.pages)
    assert (seen["answered_total", "0"], seen["answered_total", "1"]) == (5.0, 0.0)


@pytest.mark.parametrize("said", [b"", b"# HELP a b\n"])
async def test_worker_that_hangs_is_left_out_in_time(tmp_path: Path, said: bytes) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await reader.read()
        writer.close()

    first = Kept(tmp_path, 0, 2)
    hung = await asyncio.start_unix_server(hang, tmp_path / "1.sock")
    async with first.pages, hung, asyncio.timeout(5.0):
        assert (await samples(first.pages))["understudy_workers", "silent"] == 1.0


async def test_page_too_large_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = Kept(tmp_path, 0, 2), Kept(tmp_path, 1, 2)
    async with first.pages, second.pages:
        monkeypatch.setattr("server.workers.telling.MAX_BYTES", 10)
        assert (await samples(first.pages))["understudy_workers", "silent"] == 1.0


async def test_exemplars_of_all_workers_are_on_the_page_of_openmetrics(tmp_path: Path) -> None:
    first, second = (Kept(tmp_path, each, 2, has_exemplars=True) for each in (0, 1))
    async with first.pages, second.pages:
        first.answered.inc(1, {"trace_id": "a"})
        second.answered.inc(1, {"trace_id": "b"})
        page = (await first.pages.page(OPENMETRICS)).decode()
    told = {
        sample.labels["worker"]: sample.exemplar.labels
        for family in read_openmetrics(page)  # type: ignore[no-untyped-call]
        for sample in family.samples
        if sample.exemplar is not None
    }
    assert told == {"0": {"trace_id": "a"}, "1": {"trace_id": "b"}}
    assert 'understudy_workers{state="answering"} 2.0' in page


async def test_there_is_one_socket_where_there_are_no_exemplars(tmp_path: Path) -> None:
    async with Kept(tmp_path, 0, 1).pages:
        assert os.listdir(tmp_path) == ["0.sock"]
