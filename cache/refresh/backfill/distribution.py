"""Blocks → workers, by Ray Data. The only importer of Ray, and only when a job runs."""

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import Any, Final

from cache.errors import CacheError
from cache.refresh.backfill.errors import RayUnavailable, WorkersFailed
from cache.refresh.backfill.job import Job
from cache.refresh.backfill.report import BlockReport
from cache.refresh.backfill.worker import BlockWorker

OBJECT_STORE_BYTES: Final = 80 << 20
"""Of a local Ray. Block numbers and counts travel through it; users and pairs do not."""
MAX_TASKS: Final = 2000
"""Ray's own bookkeeping grows with them; past it a task takes several blocks, one by one."""
QUIET: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",  # its C++ side writes to stderr, through any bar
}


@contextmanager
def started(address: str | None, workers: int) -> Iterator[None]:
    """A Ray of this machine alone, or the cluster at `address`. Raises RayUnavailable."""
    os.environ.update({name: os.environ.get(name, value) for name, value in QUIET.items()})
    ray = _ray()
    options: dict[str, Any] = {"address": address}
    if address is None:
        options = {
            "address": "local",  # whatever RAY_ADDRESS says
            "num_cpus": workers,
            "object_store_memory": OBJECT_STORE_BYTES,
            "include_dashboard": False,
        }
    try:
        with _silenced_stderr():
            ray.init(**options, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        raise RayUnavailable(
            f"--ray-address {address or '(none)'}: Ray does not start ({error}): is there a "
            "cluster at that address, and memory for one here?"
        ) from error
    try:
        with redirect_stdout(sys.stderr):  # where Ray tells of workers that died; stdout is ours
            yield
    finally:
        ray.shutdown()


def filled(job: Job, blocks: Sequence[int], workers: int) -> Iterator[BlockReport]:
    """As each is done, in any order. Raises what a worker raised, if it is one of our errors, and
    WorkersFailed."""
    ray = _ray()
    data = ray.data
    _quiet(data)
    numbers = data.from_items(
        [{"block": block} for block in blocks], override_num_blocks=min(len(blocks), MAX_TASKS)
    )
    reports = numbers.map_batches(
        BlockWorker,
        fn_constructor_args=(job,),
        batch_size=1,
        num_cpus=1,
        compute=data.ActorPoolStrategy(size=workers),
    )
    try:
        yield from reports.iter_rows()
    except ray.exceptions.RayError as error:
        raise _own_cause(error) or _failed(error) from error


def _ray() -> Any:
    """Ray ships no types that hold under --strict."""
    try:
        import ray
        import ray.data
    except ModuleNotFoundError as error:
        raise RayUnavailable(
            f"backfill needs {error.name}, which is not installed here: "
            "pip install 'understudy[backfill]'"
        ) from error
    return ray


def _quiet(data: Any) -> None:
    """Its lines would tear the progress bar; what it says is in its session's logs all the same."""
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # what goes wrong is raised
    context = data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.raise_original_map_exception = True


@contextmanager
def _silenced_stderr() -> Iterator[None]:
    """Of the process, not of Python alone: Ray says there that it was asked to be quiet. What goes
    wrong is raised."""
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _failed(error: Exception) -> WorkersFailed:
    """Ray's text ends with the worker's own exception."""
    last = [line for line in str(error).splitlines() if line.strip()][-1:]
    return WorkersFailed(
        f"a worker cannot go on ({type(error).__name__}: {''.join(last).strip()}): mend that, or "
        "look into /tmp/ray/session_latest/logs, then run the same command again"
    )


def _own_cause(error: Exception) -> CacheError | None:
    """What Ray's error was made of: it is of both kinds, with all of a traceback as its text."""
    cause = getattr(error, "cause", None)
    return cause if isinstance(cause, CacheError) else None
