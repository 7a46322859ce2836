"""A real Prometheus and its promtool, where the machine has them."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import urlencode

import pytest
import yaml

from tests.helm.charts import NAME, NAMESPACE
from tests.helm.live_release import answers, free_port, read, wait_until

MISSING: Final = "no {}: `apt-get install prometheus`, or name one in {}"
INTERVAL_S: Final = 1

Labels = Mapping[str, str]


def program(name: str) -> str:
    """Skips the test where it is missing."""
    named = os.environ.get(name.upper())
    found = named or shutil.which(name)
    if found is None or not Path(found).exists():
        pytest.skip(MISSING.format(name, name.upper()))
    return found


def promtool(*arguments: str, told: str | None = None) -> subprocess.CompletedProcess[str]:
    """`told` is its input."""
    return subprocess.run(
        [program("promtool"), *arguments],
        input=told, capture_output=True, text=True, timeout=120.0, check=False,
    )  # fmt: skip


class Prometheus:
    def __init__(self, url: str) -> None:
        self._url = url

    def asked(self, path: str, **parameters: str) -> Any:
        """Data of an answer. Raises RuntimeError with what is wrong with a query."""
        try:
            told = json.loads(read(f"{self._url}/api/v1/{path}?{urlencode(parameters)}"))
        except HTTPError as error:
            raise RuntimeError(error.read().decode()) from error
        assert told["status"] == "success", told
        return told["data"]

    def query(self, query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.asked("query", query=query)["result"]
        return found

    def ups(self) -> dict[str, str]:
        """1 where a job was read, by its name."""
        return {each["metric"]["job"]: each["value"][1] for each in self.query("up")}


@contextmanager
def scraping(urls: Labels, rules: Path, folder: Path) -> Iterator[Prometheus]:
    """Reads each second, as the chart's monitors have it read; `urls` are by role."""
    config = folder / "prometheus.yml"
    config.write_text(yaml.safe_dump(_config(urls, rules)))
    address = f"127.0.0.1:{free_port()}"
    command = [
        program("prometheus"), f"--config.file={config}", f"--web.listen-address={address}",
        f"--storage.tsdb.path={folder / 'series'}", "--log.level=warn",
    ]  # fmt: skip
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_until(lambda: answers(f"http://{address}/-/ready"), f"Prometheus of {folder}")
        yield Prometheus(f"http://{address}")
    finally:
        process.terminate()
        process.wait(20.0)


def _config(urls: Labels, rules: Path) -> dict[str, Any]:
    jobs = [
        {
            "job_name": role,
            "static_configs": [
                {
                    "targets": [url.removeprefix("http://")],
                    "labels": {"understudy": NAME, "namespace": NAMESPACE, "pod": f"{role}-0"},
                }
            ],
        }
        for role, url in urls.items()
    ]
    times = {"scrape_interval": f"{INTERVAL_S}s", "evaluation_interval": f"{INTERVAL_S}s"}
    return {"global": times, "rule_files": [str(rules)], "scrape_configs": jobs}
