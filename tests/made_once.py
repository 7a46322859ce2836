"""What several processes of a test run need and one of them makes."""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path


def made_once(name: str, beside: Path, make: Callable[[Path], object]) -> Path:
    """The folder that `make` has filled, by whoever came first; it is for reading alone.

    `beside` is a folder of this process from `tmp_path_factory`.
    """
    own = beside.parent
    place = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / name
    place.mkdir(exist_ok=True)
    made = place / "made"
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "is_made").exists():
            shutil.rmtree(made, ignore_errors=True)  # of one who failed
            made.mkdir()
            make(made)
            (place / "is_made").touch()
    return made
