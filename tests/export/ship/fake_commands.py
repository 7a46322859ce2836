"""Commands that leave what the real ones leave, on a world that is remembered, and a kill at any
point of it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from export.ship.errors import StepFailed
from models.data.log import Log
from models.run_folder import PARTS, RunRecord
from tests.models.data.small_logs import START_MS, log_of, random_log


class Killed(BaseException):
    """As kill -9 would: nothing of the ship runs afterwards."""


class World:
    """Outlives every kill: what was run, and the board of rollouts."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.log: Log = log_of_nights(1)
        self.rollouts: list[dict[str, Any]] = []  # entries of the history, the oldest first
        self.stable = ""
        self.kill_at = -1  # the instant, counted from 0 over commands; two a command
        self.instants = 0
        self.failing = ""
        self.meanwhile: Callable[[], None] = lambda: None  # what happens as `train` runs

    def instant(self) -> None:
        self.instants += 1
        if self.instants - 1 == self.kill_at:
            raise Killed

    def move(self, rollout: str, stage: str, reason: str = "controller") -> None:
        self.rollouts.append({"rollout": rollout, "to_stage": stage, "reason": reason})

    @property
    def state(self) -> dict[str, Any]:
        last = (
            self.rollouts[-1]
            if self.rollouts
            else {"rollout": "", "to_stage": "idle", "reason": ""}
        )
        return {
            "stable": self.stable,
            "rollout": last["rollout"],
            "stage": last["to_stage"],
            "reason": last["reason"],
        }

    def started(self) -> list[str]:
        return [each["rollout"] for each in self.rollouts if each["to_stage"] == "verifying"]


class FakeCommands:
    def __init__(self, world: World) -> None:
        self._world = world

    def run(self, *words: str) -> None:
        self.told(*words)

    def told(self, *words: str) -> str:
        what = " ".join(words[:2]) if words[0] in ("bundle", "rollout") else words[0]
        self._world.instant()
        if what == self._world.failing:
            raise StepFailed(f"{what} fails")
        self._world.ran.append(what)
        told = getattr(self, f"_{what.replace(' ', '_')}")(words)
        self._world.instant()
        return str(told or "")

    def _import(self, words: tuple[str, ...]) -> None:
        self._world.log.write(_after(words, "--out"))

    def _annotate(self, words: tuple[str, ...]) -> None:
        (_after(words, "--out") / "log").mkdir(parents=True)

    def _train(self, words: tuple[str, ...]) -> None:
        run = _after(words, "--out")
        run.mkdir(parents=True, exist_ok=True)
        self._world.meanwhile()
        RunRecord(log="log", seed=0, parts={part: {} for part in PARTS}).write(run)

    def _evaluate(self, words: tuple[str, ...]) -> None:
        assert RunRecord.read(_after(words, "--run"))

    def _export(self, words: tuple[str, ...]) -> None:
        write_serving(_after(words, "--out"))

    def _bundle_verify(self, words: tuple[str, ...]) -> None:
        assert Path(words[2]).is_dir()

    def _bundle_push(self, words: tuple[str, ...]) -> str:
        return json.dumps({"bundle": Path(words[2]).name})

    def _bundle_pull(self, words: tuple[str, ...]) -> str:
        return json.dumps({"bundle": words[2], "folder": f"/cache/{words[2]}"})

    def _rollout_status(self, words: tuple[str, ...]) -> str:
        return json.dumps({"state": self._world.state})

    def _rollout_history(self, words: tuple[str, ...]) -> str:
        return "\n".join(json.dumps(each) for each in reversed(self._world.rollouts))

    def _rollout_start(self, words: tuple[str, ...]) -> str:
        if self._world.state["stage"] in ("verifying", "shadowing", "canary"):
            raise StepFailed("another rollout is running")
        word = words[words.index("--reason") + 1]
        self._world.move(f"rollout-{len(self._world.started())}", "verifying", word)
        return self._rollout_status(words)


def write_serving(folder: Path) -> Path:
    named = {role: f"{role}-0123456789ab" for role in ("teacher", "student")}
    for name in named.values():
        (folder / name).mkdir(parents=True)
    (folder / "serving.json").write_text(json.dumps(named))
    return folder


def log_of_nights(nights: int) -> Log:
    """The first night's, and as much again for each that followed."""
    tables = [random_log(night, 60).impressions for night in range(nights)]
    return log_of(pl.concat([_later(table, night) for night, table in enumerate(tables)]))


def _later(table: pl.DataFrame, night: int) -> pl.DataFrame:
    """By a tenth of a second each, so that all are within the periods."""
    place = table["request_id"].rle_id().cast(pl.Int64)
    return table.with_columns(
        pl.format("{}-{}", pl.lit(night), "request_id").alias("request_id"),
        (START_MS + (night * 1000 + place) * 100).alias("timestamp_ms"),
    )


def _after(words: tuple[str, ...], option: str) -> Path:
    return Path(words[words.index(option) + 1])
