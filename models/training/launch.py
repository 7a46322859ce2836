"""torch's own launcher: this command, in several processes on this machine."""

import os
import sys
import uuid
from collections.abc import Sequence

from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from models.training.errors import WorkersFailed


def is_worker() -> bool:
    """Whether the launcher started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def rank_and_ranks() -> tuple[int, int]:
    """Of a worker."""
    return int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])


def launch(arguments: Sequence[str], processes: int) -> None:
    """Python with these arguments, so many times on this machine. Raises WorkersFailed."""
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id=str(uuid.uuid4()),
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        local_addr="localhost",
        max_restarts=0,
        logs_specs=DefaultLogsSpecs(log_dir=os.devnull),
    )
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    try:
        elastic_launch(config, sys.executable)(*arguments)
    except SignalException as error:
        raise WorkersFailed(
            f"stopped by {error.sigval.name}: the same command without --anew goes on from here"
        ) from error
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        raise WorkersFailed(
            f"process {rank} of {processes} ended with {failure.exitcode}: mend what it says "
            "above, then the same command without --anew goes on after the last whole epoch"
        ) from error
