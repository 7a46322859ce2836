import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from loadtest.bench.cores import Cores
from loadtest.peers import process
from loadtest.peers.environment import SERVERS
from loadtest.peers.errors import PeerFailed
from loadtest.peers.process import MARK, cpu_s, marked, running
from loadtest.peers.table import PEERS, Peer
from loadtest.peers.wires import JSON
from tests.server.live import wait_until

CORE = min(os.sched_getaffinity(0))
PROGRAMS = Path(sys.executable).parent
ORPHAN = (
    "import os, subprocess, sys, time; "
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], "
    "start_new_session=True); print('started', flush=True); time.sleep(60)"
)


def _peer(code: str) -> Peer:
    return Peer("fake", "a fake", "fake", JSON, "/", ("python", "-c", code))


def test_what_a_server_forks_is_stopped_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "GRACE_S", 0.2)
    with running(_peer(ORPHAN), PROGRAMS, tmp_path, tmp_path / "run", Cores(CORE, CORE)) as server:
        wait_until(lambda: len(marked(server.mark)) == 2, "both processes")
        pids = [each.pid for each in marked(server.mark)]
        assert all(os.sched_getaffinity(pid) == {CORE} for pid in pids)
    assert marked(server.mark) == []


def test_server_that_ends_is_reported_with_its_last_words(tmp_path: Path) -> None:
    ending = "raise SystemExit('the model is missing')"
    with running(_peer(ending), PROGRAMS, tmp_path, tmp_path / "run", Cores(CORE, CORE)) as server:
        server.process.wait()
        with pytest.raises(PeerFailed, match="ended with 1: the model is missing"):
            server.check_alive()


def test_time_of_a_process_counts_what_it_used() -> None:
    mark = uuid.uuid4().hex
    code = "import time\nwhile time.process_time() < 0.1: pass\nprint()\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | {MARK: mark},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert cpu_s(marked(mark)) >= 0.08
        child.communicate(b"\n")
    assert cpu_s(marked(mark)) == 0.0


def test_every_peer_has_pinned_requirements() -> None:
    for name in {peer.environment for peer in PEERS}:
        lines = (SERVERS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
        assert any(line.startswith("onnxruntime==") for line in lines), name
        assert all("==" in line for line in lines), name
