"""The demo's steps before serving: each runs once for its inputs and is reused after that."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from loadtest.errors import StepFailed

ROOT: Final = Path(__file__).resolve().parents[2]
SOURCES: Final = ("models", "export")


class Step(NamedTuple):
    """`understudy <arguments>`, which leaves `result`; `inputs` are files read from outside."""

    name: str
    arguments: tuple[str, ...]
    result: Path
    inputs: tuple[Path, ...] = ()


class Models(NamedTuple):
    """What `understudy train` is to train, in its own words; None leaves it to that command."""

    teacher: str | None = None
    size: str | None = None
    student: str | None = None

    @property
    def options(self) -> tuple[str, ...]:
        given = {name: value for name, value in self._asdict().items() if value}
        return tuple(word for name, value in given.items() for word in (f"--{name}", value))


def plan(out: Path, data: str, seed: int, impressions: int, models: Models) -> list[Step]:
    """Everything before serving. `data` is as `understudy import` takes it."""
    log, run, serving = out / "log", out / "run", out / "serving"
    if data == "adworld":
        data += f":seed={seed},impressions={impressions}"
    name, _, source = data.partition(":")
    read = () if name == "adworld" else (Path(source),)
    train = ("train", "--log", str(log), "--out", str(run), "--seed", str(seed), *models.options)
    return [
        Step("import", ("import", "--data", data, "--out", str(log)), log, read),
        Step("train", train, run),
        Step("evaluate", ("evaluate", "--run", str(run)), run / "metrics.json"),
        Step("export", ("export", "--run", str(run), "--out", str(serving)), serving),
    ]


def run_steps(steps: Sequence[Step], out: Path, say: Callable[[str], None]) -> dict[str, float]:
    """Seconds that each step took, 0 for one that was reused. Raises StepFailed."""
    stamps = out / "steps"
    stamps.mkdir(parents=True, exist_ok=True)
    digest, seconds = _sources_digest(), {}
    for step in steps:
        digest = _digest(digest, step)
        stamp = stamps / f"{step.name}.json"
        if step.result.exists() and _read(stamp) == digest:
            say(f"{step.name}: done before, unchanged")
            seconds[step.name] = 0.0
            continue
        stamp.unlink(missing_ok=True)
        _forget_another(step, stamps / f"{step.name}.begun.json", digest)
        seconds[step.name] = _run(step)
        stamp.write_text(json.dumps({"digest": digest, "seconds": seconds[step.name]}))
    return seconds


def _forget_another(step: Step, begun: Path, digest: str) -> None:
    """What an interrupted step left is gone on with when it is the same step, and only then."""
    if _read(begun) != digest:
        shutil.rmtree(step.result, ignore_errors=True)
        begun.write_text(json.dumps({"digest": digest}))


def _run(step: Step) -> float:
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "understudy", *step.arguments], check=False)
    if done.returncode:
        command = " ".join(step.arguments)
        raise StepFailed(
            f"`understudy {command}` ended with {done.returncode}; its words are above"
        )
    return time.monotonic() - started


def _read(stamp: Path) -> str | None:
    try:
        digest: str = json.loads(stamp.read_text())["digest"]
    except (OSError, ValueError, KeyError):
        return None
    return digest


def _digest(before: str, step: Step) -> str:
    """Changes with the step's own words, its outside files, and every step before it."""
    files = [_facts(path) for path in step.inputs]
    return hashlib.sha256(repr((before, step.arguments, files)).encode()).hexdigest()


def _facts(path: Path) -> list[tuple[str, int, int]]:
    """Name, size and time of a file, or of each file of a folder."""
    found = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [_stat(file) for file in found if file.is_file()]


def _stat(file: Path) -> tuple[str, int, int]:
    status = os.stat(file)
    return str(file), status.st_size, status.st_mtime_ns


def _sources_digest() -> str:
    """The code that the steps run: a model edited since is a model to train again."""
    digest = hashlib.sha256()
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()
