"""Processes that a test started, and what is on the server that they share."""

import os
import subprocess
import sys
from pathlib import Path

REPO = Path(__file__).parents[3]


class Started:
    def __init__(self, url: str) -> None:
        self.url = url
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str, **settings: str) -> subprocess.Popen[str]:
        given = {f"UNDERSTUDY_{name}": value for name, value in settings.items()}
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=REPO,
            env=os.environ | given | {"UNDERSTUDY_REDIS_URL": self.url, "PYTHONPATH": str(REPO)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def understudy(self, *arguments: str, **settings: str) -> subprocess.Popen[str]:
        return self.start("-m", "understudy", *arguments, **settings)

    def odd_worker(self, what: str, lease_ms: int = 500) -> subprocess.Popen[str]:
        return self.start("tests/cache/refresh/odd_worker.py", what, self.url, str(lease_ms))

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.communicate()
