"""The whole of it against a server of three lines, in this environment."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from loadtest.bench import sizes as bench_sizes
from loadtest.bench.cores import Cores
from loadtest.peers import contest as contests
from loadtest.peers import measure as measuring
from loadtest.peers import process
from loadtest.peers.contest import Contest
from loadtest.peers.errors import PeerFailed
from loadtest.peers.table import Peer
from loadtest.peers.tensors import Case, cases
from loadtest.peers.wires import JSON
from tests.bundles import serving_folder

CORE = min(os.sched_getaffinity(0))
SERVER = """
import json, os, http.server, onnx_model
model = onnx_model.OnnxModel()
class Asked(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        inputs = json.loads(self.rfile.read(int(self.headers["content-length"])))
        body = json.dumps({"scores": model.run_lists(inputs).tolist()}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words):
        pass
address = ("127.0.0.1", int(os.environ["PEER_PORT"]))
http.server.ThreadingHTTPServer(address, Asked).serve_forever()
"""


@pytest.fixture
def contest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Contest:
    (tmp_path / "server.py").write_text(SERVER)
    command = ("python", str(tmp_path / "server.py"))
    peer = Peer("fake", "a fake", "fake", JSON, "/", command)
    programs = Path(sys.executable).parent
    monkeypatch.setattr(contests, "by_name", lambda name: peer)
    monkeypatch.setattr(contests, "environment", lambda name, folder: programs)
    monkeypatch.setattr(bench_sizes, "RAW_S", 0.1)
    monkeypatch.setattr(measuring, "CAPACITY_S", 0.2)
    monkeypatch.setattr(process, "GRACE_S", 1.0)
    serving = tmp_path / "serving"
    serving.mkdir()
    serving_folder(serving)
    bundle = next(serving.glob("student-*"))
    made, cores = cases(bundle, [5, 20]), Cores(CORE, CORE)
    return Contest(tmp_path, bundle, tmp_path / "out", cores, made, 0.3, False, lambda said: None)


def test_server_that_agrees_is_measured_at_every_size(contest: Contest) -> None:
    results = dict(contest.entry("fake"))
    assert list(results) == [5, 20]
    for measured in results.values():
        assert measured.capacity > 0
        assert measured.light.outcome.p50_ms > 0
    assert results[20].request_bytes > results[5].request_bytes


def test_server_of_other_scores_is_not_measured_further(contest: Contest) -> None:
    right, wrong = contest.cases
    changed = Case(wrong.candidates, wrong.arrays, wrong.scores + np.float32(0.01))
    results = contest._replace(cases=[right, changed]).entry("fake")
    assert next(results)[0] == 5
    with pytest.raises(PeerFailed, match=r"differ from the model's by 0\.01"):
        next(results)
