"""One run over several processes and hosts: locust carries it, the figures stay ours."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from loadtest.distributed.gathering import read
from loadtest.errors import LoadInvalid, StepFailed
from loadtest.run.engine import Ran
from loadtest.run.plan import Options
from loadtest.run.scenario import find_scenario
from loadtest.stack import free_port, stopped_at_the_end

LOCUSTFILE: Final = Path(__file__).parents[1] / "locustfile.py"
LOCUST: Final = (sys.executable, "-m", "locust", "-f", str(LOCUSTFILE))
USERS: Final = 10
"""A worker's. More would only be more greenlets: their sum is the same process."""
LAST_S: Final = 6.0
"""Behind the last request: its answer, and twice the time between two reports of a worker."""
STARTS_S: Final = 60.0
TAIL: Final = 2000


def execute(options: Options, url: str, processes: int, expect: int, bind: str) -> Ran:
    """Raises LoadTestError. `expect` workers more come from other hosts."""
    _check(options)
    host, port = _address(bind)
    port = port if expect else free_port(host)
    workers = processes + expect
    with tempfile.TemporaryDirectory(prefix="load-") as folder, ExitStack() as running:
        samples, log = Path(folder) / "samples", Path(folder) / "locust.log"
        env = _environment(options.requests, options.key_file, samples)
        for _ in range(processes):
            running.enter_context(_started(_worker(host, port), env, log))
        master = running.enter_context(
            _started([*_master(options, url, workers), *_binding(host, port)], env, log)
        )
        if master.wait() not in (0, 1):  # 1: some request failed, which the budget judges
            raise StepFailed(f"locust ended with {master.returncode}: {_tail(log)}")
        try:
            return read(samples)
        except StepFailed as error:
            raise StepFailed(f"{error}\n{_tail(log)}") from error


def work(master: str, requests: str, key_file: Path | None) -> int:
    """A worker of another host's run: locust's exit code."""
    host, port = _address(master)
    env = _environment(requests, key_file, None)
    return subprocess.run(_worker(host, port), env=env, check=False).returncode


def _check(options: Options) -> None:
    if options.closed or options.arrivals != "poisson":
        raise LoadInvalid("--processes sends Poisson arrivals in an open loop: leave out the rest")


def _master(options: Options, url: str, workers: int) -> list[str]:
    scenario = find_scenario(options.scenario)
    seconds, users = options.seconds or scenario.seconds, workers * USERS
    told = {
        "--host": url,
        "--expect-workers": workers,
        "--expect-workers-max-wait": int(STARTS_S),
        "--users": users,
        "--spawn-rate": users,
        "--run-time": int(seconds + scenario.warm_up_s + LAST_S + 0.999),
        "--scenario": options.scenario,
        "--rate-per-user": options.rate / users,
        "--load-seconds": seconds,
        "--load-seed": options.seed,
        "--wire": options.wire,
    }
    words = [str(word) for pair in told.items() for word in pair]
    return [*LOCUST, "--master", "--headless", "--only-summary", *words]


def _binding(host: str, port: int) -> list[str]:
    return ["--master-bind-host", host, "--master-bind-port", str(port)]


def _worker(host: str, port: int) -> list[str]:
    return [*LOCUST, "--worker", "--master-host", host, "--master-port", str(port)]


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise LoadInvalid(f"{text!r} is no address: write HOST:PORT")
    return host, int(port)


def _environment(requests: str, key_file: Path | None, samples: Path | None) -> dict[str, str]:
    own: dict[str, str] = {"UNDERSTUDY_LOAD_REQUESTS": requests}
    if key_file is not None:
        own["UNDERSTUDY_LOAD_KEY_FILE"] = str(key_file)
    if samples is not None:
        own["UNDERSTUDY_LOAD_SAMPLES"] = str(samples)
    return {**os.environ, **own}


@contextmanager
def _started(
    words: Sequence[str], env: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as says:
        process = subprocess.Popen(words, env=env, stdout=says, stderr=says)
    with stopped_at_the_end(process):
        yield process


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-TAIL:]
