"""Gateways beside the live one, on the same Redis, that only measure."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from loadtest.stack import CLI, Stack, free_port, stopped_at_the_end, wait_ready


@contextmanager
def measuring_gateways(out: Path, live: Path, stack: Stack) -> Iterator[dict[str, str]]:
    """Scorer → URL of gateways on the same Redis that take no events and are not timed."""
    serving, host = out / "serving", urlsplit(stack.url).hostname or "127.0.0.1"
    index = json.loads((serving / "serving.json").read_text())
    scorers: dict[str, dict[str, str]] = {
        "teacher": {"UNDERSTUDY_BUNDLE": str(serving / index["teacher"])},
        "student_alone": {"UNDERSTUDY_BUNDLE": str(serving / index["alone"])},
        "student_without_cache": {
            "UNDERSTUDY_BUNDLE": str(serving / index["student"]),
            "UNDERSTUDY_TEACHER_CACHE": "false",
        },
    }
    with ExitStack() as open_gateways:
        urls, processes = {}, {}
        for name, env in scorers.items():
            port = free_port(host)
            urls[name] = f"http://{host}:{port}"
            processes[name] = open_gateways.enter_context(
                _gateway(name, live, env, host, port, stack.redis_url)
            )
        for name, url in urls.items():
            wait_ready(url, processes[name], name)
        yield urls


@contextmanager
def _gateway(
    name: str, folder: Path, env: Mapping[str, str], host: str, port: int, redis_url: str
) -> Iterator[subprocess.Popen[bytes]]:
    settings = {
        "UNDERSTUDY_HOST": host,
        "UNDERSTUDY_PORT": str(port),
        "UNDERSTUDY_REDIS_URL": redis_url,
        "UNDERSTUDY_REPLAY": "true",
        # These measure quality: on a busy machine they may take longer than the one that is timed.
        "UNDERSTUDY_CACHE_TIMEOUT_MS": "250",
        "UNDERSTUDY_DRAIN_S": "0",
    }
    with (folder / f"measuring-{name}.log").open("ab") as log:
        process = subprocess.Popen(
            ["nice", "-n", "10", *CLI, "serve"],
            env={**os.environ, **settings, **env},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    with stopped_at_the_end(process):
        yield process
