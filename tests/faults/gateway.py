"""`understudy serve` as a process, watched from outside."""

import os
import subprocess
from pathlib import Path
from typing import Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.server.live import wait_until
from tests.server.test_serve_command import answers, command, free_port

ENDS_WITHIN_S: Final = 30.0


class GatewayProcess:
    def __init__(self, serving: Path, redis_url: str, log: Path, settings: dict[str, str]) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._log_path = log
        self._log = log.open("wb")
        self._client = httpx.Client(base_url=self.url, timeout=ENDS_WITHIN_S)
        self._process = subprocess.Popen(
            command("--from", str(serving), "--redis-url", redis_url, "--port", str(port)),
            env={**os.environ, **settings},
            stdout=self._log,
            stderr=self._log,
        )

    def wait_ready(self) -> None:
        wait_until(lambda: answers(self._client, "/readyz", 200), "/readyz")

    def stop(self) -> None:
        self._client.close()
        self._process.terminate()
        self._process.wait(ENDS_WITHIN_S)
        self._log.close()

    def said(self) -> str:
        return self._log_path.read_text(errors="replace")

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def memory_mb(self) -> float:
        """Resident."""
        pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)

    def counted(self, name: str, **labels: str) -> float:
        """A sample of /metrics; 0 while there is none."""
        page = self._client.get("/metrics").raise_for_status().text
        for family in text_string_to_metric_families(page):
            for sample in family.samples:
                if sample.name == name and labels.items() <= sample.labels.items():
                    return float(sample.value)
        return 0.0
