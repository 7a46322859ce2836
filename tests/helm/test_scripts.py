"""Pods of `helm test` against gateways that answer otherwise."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.helm.charts import CHART


@contextmanager
def stub(status: int, body: dict[str, Any]) -> Iterator[str]:
    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


SLATE = {"item_ids": ["helm-test-2", "helm-test-1"]}


@pytest.mark.parametrize(
    ("status", "body", "has_keys", "code"),
    [(200, SLATE, "", 0), (200, {"item_ids": ["helm-test-1"]}, "", 1), (401, {}, "yes", 0),
     (401, {}, "", 1), (500, {}, "", 1)],
)  # fmt: skip
def test_rank_ends_by_what_was_answered(
    status: int, body: dict[str, Any], has_keys: str, code: int
) -> None:
    script = (CHART / "files/tests/rank.py").read_text("utf-8")
    with stub(status, body) as url:
        told = subprocess.run(
            [sys.executable, "-c", script], env={"GATEWAY_URL": url, "HAS_KEYS": has_keys},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert told.returncode == code, told.stderr
    assert bool(told.stderr) is (code != 0)
