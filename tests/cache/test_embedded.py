import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cache.embedded import MAX_SOCKET_PATH_BYTES, EmbeddedValkey
from cache.errors import FolderInUse, StartFailed
from cache.redis_store import RedisStore
from cache.resp import answers_ping

pytestmark = pytest.mark.redis

OWNER = """
import sys, time
from pathlib import Path
from cache.embedded import EmbeddedValkey
server = EmbeddedValkey(Path(sys.argv[1]))
server.start()
print(server.pid, flush=True)
time.sleep(600)
"""


def wait_until(is_true: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_true():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.005)


def is_running(pid: int) -> bool:
    """False for a zombie that only waits to be collected."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def start_owner(folder: Path) -> tuple[subprocess.Popen[str], int]:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    return owner, int(owner.stdout.readline())


def test_answers_on_a_socket_and_on_no_port(data_folder: Path) -> None:
    with EmbeddedValkey(data_folder) as server:
        assert answers_ping(server.socket)
        files = [os.readlink(fd) for fd in Path(f"/proc/{server.pid}/fd").iterdir()]
        sockets = {name[8:-1] for name in files if name.startswith("socket:")}
        tables = [Path(f"/proc/{server.pid}/net/{table}") for table in ("tcp", "tcp6")]
        inodes = {line.split()[9] for t in tables for line in t.read_text().splitlines()[1:]}
        assert not sockets & inodes


def test_its_data_folder_is_its_owners_alone(data_folder: Path) -> None:
    with EmbeddedValkey(data_folder) as server:
        assert data_folder.stat().st_mode & 0o777 == 0o700
        assert server.socket.stat().st_mode & 0o777 == 0o700


def test_folder_in_use_is_refused(data_folder: Path) -> None:
    with EmbeddedValkey(data_folder) as server:
        with pytest.raises(FolderInUse, match="UNDERSTUDY_REDIS_URL"):
            EmbeddedValkey(data_folder).start()
        assert answers_ping(server.socket)


def test_stopping_ends_the_process_and_frees_the_folder(data_folder: Path) -> None:
    server = EmbeddedValkey(data_folder)
    server.start()
    pid = server.pid
    assert pid is not None
    server.stop()
    server.stop()
    assert server.pid is None
    assert not is_running(pid)
    assert not server.socket.exists()
    with EmbeddedValkey(data_folder):
        pass


def test_dies_with_a_killed_parent_and_leaves_the_folder_usable(data_folder: Path) -> None:
    owner, pid = start_owner(data_folder)
    owner.kill()
    owner.communicate()
    wait_until(lambda: not is_running(pid))
    (data_folder / "valkey.sock").touch()
    with EmbeddedValkey(data_folder) as server:
        assert answers_ping(server.socket)


def test_folder_of_a_live_parent_elsewhere_is_refused(data_folder: Path) -> None:
    owner, pid = start_owner(data_folder)
    try:
        with pytest.raises(FolderInUse):
            EmbeddedValkey(data_folder).start()
        assert is_running(pid)
    finally:
        owner.kill()
        owner.communicate()
    wait_until(lambda: not is_running(pid))


def test_interrupt_of_the_terminal_does_not_reach_it(data_folder: Path) -> None:
    with EmbeddedValkey(data_folder) as server:
        assert server.pid is not None
        assert os.getpgid(server.pid) != os.getpgid(0)


@pytest.mark.parametrize("save_on_stop", [True, False])
async def test_data_survives_a_restart_only_when_saved(
    data_folder: Path, save_on_stop: bool
) -> None:
    for expected in (None, b"1" if save_on_stop else None):
        with EmbeddedValkey(data_folder, save_on_stop=save_on_stop) as server:
            store = RedisStore.open(server.url)
            assert await store.get_many([b"a"]) == [expected]
            await store.put_many({b"a": b"1"}, None)
            await store.close()


async def test_full_memory_drops_pages_and_keeps_what_never_expires(data_folder: Path) -> None:
    with EmbeddedValkey(data_folder, max_memory_mb=8) as server:
        store = RedisStore.open(server.url)
        await store.put_many({b"record": b"r"}, None)
        for batch in range(20):
            await store.put_many({b"%d:%d" % (batch, n): bytes(13_000) for n in range(50)}, 600.0)
        assert await store.get_many([b"record"]) == [b"r"]
        assert await store.get_many([b"19:49"]) == [bytes(13_000)]
        await store.close()


def test_long_folder_still_gets_a_socket(tmp_path: Path) -> None:
    folder = tmp_path / ("deep" * 20) / ("er" * 20)
    server = EmbeddedValkey(folder)
    assert len(os.fsencode(server.socket)) <= MAX_SOCKET_PATH_BYTES
    with server:
        assert answers_ping(server.socket)
    assert not server.socket.exists()


def test_server_that_cannot_start_says_why(data_folder: Path) -> None:
    data_folder.mkdir()
    (data_folder / "dump.rdb").write_bytes(b"this is no snapshot")
    with pytest.raises(StartFailed, match="signature"):
        EmbeddedValkey(data_folder, start_timeout_s=20.0).start()


def test_machine_without_a_server_binary_is_told_what_to_do(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "vax")
    with pytest.raises(StartFailed, match="UNDERSTUDY_REDIS_URL"):
        EmbeddedValkey(data_folder).start()


def test_killed_server_is_seen(data_folder: Path) -> None:
    server = EmbeddedValkey(data_folder)
    server.start()
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    wait_until(lambda: server.pid is None)
    server.stop()
    with EmbeddedValkey(data_folder):
        pass
