"""`understudy …` as processes that end with this one, however it ends."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

import cache.lifeline
from export.ship.errors import StepFailed

LIFELINE: Final = Path(cache.lifeline.__file__)


class Commands(Protocol):
    def run(self, *words: str) -> None:
        """Its words go where this process's go. Raises StepFailed."""

    def told(self, *words: str) -> str:
        """What it printed. Raises StepFailed."""


class Processes:
    """Call from the main thread: the lifeline hangs on it.

    Without the lifeline, a training whose ship was killed would go on beside the next ship's.
    Until it has ended it holds the ship's lock, which it inherits.
    """

    def __init__(self, lock: int, environment: Mapping[str, str] | None = None) -> None:
        self._lock = lock
        self._environment = {**os.environ, **(environment or {})}

    def run(self, *words: str) -> None:
        self._ended_well(words, None)

    def told(self, *words: str) -> str:
        return self._ended_well(words, subprocess.PIPE)

    def _ended_well(self, words: tuple[str, ...], stdout: int | None) -> str:
        done = subprocess.run(
            _command(words),
            check=False,
            env=self._environment,
            stdout=stdout,
            text=True,
            pass_fds=[self._lock],
        )
        if done.returncode:
            raise StepFailed(
                f"`understudy {' '.join(words)}` ended with {done.returncode}; its words are "
                "above. Run again, the ship goes on there"
            )
        return done.stdout or ""


def _command(words: tuple[str, ...]) -> list[str]:
    lifeline = [sys.executable, "-I", "-S", str(LIFELINE), str(os.getpid())]
    return [*lifeline, sys.executable, "-m", "understudy", *words]
