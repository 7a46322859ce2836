import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from server.processes import ChildFailed, Processes, restart_delay_s
from tests.server.sleeper import (
    SLEEPER,
    cancelled,
    child_of,
    listed,
    processes_in,
    until_logged,
)

HUNG = f"import faulthandler; faulthandler.enable(); {SLEEPER}"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('up', flush=True); time.sleep(600)"
)


def test_delay_doubles_from_half_a_second_and_stays_bounded() -> None:
    assert [restart_delay_s(n) for n in (1, 2, 3, 4)] == [0.5, 1.0, 2.0, 4.0]
    assert restart_delay_s(50) == 30.0


async def test_child_is_logged_listed_and_stopped_with_its_keeper(tmp_path: Path) -> None:
    processes = processes_in(tmp_path)
    keeper = asyncio.create_task(processes.keep(child_of("sleeper", SLEEPER)))
    await until_logged(processes, "sleeper")
    pid = listed(tmp_path)["sleeper"]
    os.kill(pid, 0)
    await cancelled(keeper)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_child_backstage_yields_to_the_others(tmp_path: Path) -> None:
    processes = processes_in(tmp_path)
    keeper = asyncio.create_task(processes.keep(child_of("sleeper", SLEEPER)._replace(niceness=5)))
    await until_logged(processes, "sleeper")
    pid, own = listed(tmp_path)["sleeper"], os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getpriority(os.PRIO_PROCESS, pid) == own + 5
    assert os.getsid(pid) == os.getsid(0)
    assert os.getpgid(pid) != os.getpgid(0)
    await cancelled(keeper)


async def test_child_that_ends_before_ready_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    processes = processes_in(tmp_path)
    with pytest.raises(ChildFailed, match=r"(?s)broken ended with 3 .*no bundle here"):
        await processes.keep(child_of("broken", "print('no bundle here'); raise SystemExit(3)"))


async def test_killed_child_comes_back_once_everything_is_ready(tmp_path: Path) -> None:
    said: list[str] = []
    processes = Processes(tmp_path, {}, said.append)
    keeper = asyncio.create_task(processes.keep(child_of("sleeper", SLEEPER)))
    await until_logged(processes, "sleeper")
    processes.is_ready = True
    first = listed(tmp_path)["sleeper"]
    os.kill(first, signal.SIGKILL)
    await until_logged(processes, "sleeper", lines=2)
    assert listed(tmp_path)["sleeper"] != first
    assert said == ["sleeper ended with -9; starting it again in 0.5 s"]
    await cancelled(keeper)


async def test_child_that_ignores_terminate_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.processes.GRACE_S", 0.2)
    processes = processes_in(tmp_path)
    keeper = asyncio.create_task(processes.keep(child_of("stubborn", STUBBORN)))
    await until_logged(processes, "stubborn")
    pid = listed(tmp_path)["stubborn"]
    await cancelled(keeper)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_child_may_be_given_longer_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.processes.GRACE_S", 600.0)
    processes = processes_in(tmp_path)
    keeper = asyncio.create_task(
        processes.keep(child_of("stubborn", STUBBORN)._replace(grace_s=0.2))
    )
    await until_logged(processes, "stubborn")
    async with asyncio.timeout(20.0):
        await cancelled(keeper)


async def test_all_are_killed_at_once_even_while_they_are_being_ended(tmp_path: Path) -> None:
    processes = processes_in(tmp_path)
    child = child_of("stubborn", STUBBORN)._replace(grace_s=600.0)
    keeper = asyncio.create_task(processes.keep(child))
    await until_logged(processes, "stubborn")
    keeper.cancel()
    await asyncio.sleep(0)
    processes.kill()
    async with asyncio.timeout(20.0):
        await asyncio.gather(keeper, return_exceptions=True)
    assert not _is_running(listed(tmp_path)["stubborn"])


async def test_child_that_is_aborted_says_where_it_was_and_comes_back(tmp_path: Path) -> None:
    said: list[str] = []
    processes = Processes(tmp_path, {}, said.append)
    keeper = asyncio.create_task(processes.keep(child_of("hung", HUNG)))
    await until_logged(processes, "hung")
    processes.is_ready = True
    first = processes.pid("hung")
    await processes.abort("hung")
    await until_logged(processes, "hung", lines=2)
    assert processes.pid("hung") not in (first, None)
    assert 'File "<string>", line 1 in <module>' in processes.log_path("hung").read_text()
    assert said == ["hung ended with -6; starting it again in 0.5 s"]
    await cancelled(keeper)


async def test_child_that_is_stopped_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.processes.LAST_WORDS_S", 0.1)
    processes = processes_in(tmp_path)
    keeper = asyncio.create_task(processes.keep(child_of("hung", HUNG)))
    await until_logged(processes, "hung")
    os.kill(listed(tmp_path)["hung"], signal.SIGSTOP)
    await processes.abort("hung")
    with pytest.raises(ChildFailed, match="hung ended with -9"):
        await keeper
    assert processes.pid("hung") is None
    await processes.abort("hung")  # of one that has ended nothing is left to end


async def test_child_without_a_log_of_its_own_speaks_on_the_same_stderr(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    processes = processes_in(tmp_path)
    child = child_of("loud", "import sys; sys.exit('no bundle here')")._replace(is_logged=False)
    with pytest.raises(ChildFailed, match=r"^loud ended with 1 before everything was ready\.$"):
        await processes.keep(child)
    assert "no bundle here" in capfd.readouterr().err
    assert not processes.log_path("loud").exists()


async def test_children_die_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    supervisor = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SUPERVISOR.format(folder=str(tmp_path), code=SLEEPER)
    )
    await until_logged(processes_in(tmp_path), "sleeper")
    child = listed(tmp_path)["sleeper"]
    supervisor.kill()
    await supervisor.wait()
    async with asyncio.timeout(20.0):
        await _until_gone(child)


SUPERVISOR = """
import asyncio, os, sys
from pathlib import Path
from server.processes import Child, Processes
child = Child("sleeper", (sys.executable, "-c", {code!r}), dict(os.environ))
asyncio.run(Processes(Path({folder!r}), {{}}, print).keep(child))
"""


async def _until_gone(pid: int) -> None:
    while True:
        if not _is_running(pid):
            return
        await asyncio.sleep(0.01)


def _is_running(pid: int) -> bool:
    """A zombie that nobody has waited for yet does not run."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
