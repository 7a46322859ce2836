"""From the log to a serving folder: each step once, and gone on with where it was stopped."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import polars as pl

from export.ship import guard
from export.ship.commands import Commands
from export.ship.errors import NothingNew
from export.ship.order import Order
from export.ship.ships import Facts, Ship
from models.data.log import Log
from models.run_folder import RunFolderInvalid, RunRecord

NAME: Final = "log"
ROLES: Final = ("teacher", "student")
Measure = Callable[[guard.Compared], guard.Measured]
Say = Callable[[str], None]


class Making:
    """Of one ship. What a step leaves in `steps/` is written once the step is over."""

    def __init__(self, ship: Ship, order: Order, commands: Commands, say: Say) -> None:
        self._ship = ship
        self._order = order
        self._commands = commands
        self._say = say
        self.log, self.told, self.run, self.serving = (
            ship.folder / name for name in (NAME, "told", "run", "serving")
        )

    def step(self, name: str, work: Callable[[], Facts]) -> Facts:
        found = self._ship.found(name)
        if found is None:
            found = self._ship.keep(name, work())
            self._say(f"{name}: done")
        else:
            self._say(f"{name}: done before")
        return found

    def gather(self, since_ms: int) -> None:
        """A log with enough that is new. Raises NothingNew, StepFailed."""
        self.step("import", self._import)
        self.step("new", lambda: self._enough(since_ms))

    def make(self) -> None:
        """A serving folder that is verified. Raises StepFailed."""
        if self._order.making.teacher is not None:
            self.step("annotate", self._annotate)
        self.step("train", self._train)
        self.step("evaluate", self._evaluate)
        self.step("export", self._export)
        self.step("verify", self._verify)

    def bundle(self, role: str) -> Path:
        return self.serving / named_in(self.serving)[role]

    def _import(self) -> Facts:
        making = self._order.making
        shutil.rmtree(self.log, ignore_errors=True)
        kept = () if making.teacher is None else ("--teacher", str(making.teacher))
        self._commands.run("import", "--data", making.data, "--out", str(self.log), *kept)
        times = Log.load(self.log).impressions["timestamp_ms"]
        return {"impressions": len(times), "until_ms": int(times[-1]) + 1}

    def _enough(self, since_ms: int) -> Facts:
        log = Log.load(self.log)
        is_labelled = pl.any_horizontal(pl.col(task) >= 0 for task in log.schema.tasks)
        rows = log.impressions.filter(pl.col("timestamp_ms") >= since_ms, is_labelled)
        if len(rows) < self._order.least:
            raise NothingNew(
                f"{len(rows):,} labelled impressions are new since the last ship, fewer than "
                f"--least {self._order.least:,}: nothing is trained"
            )
        return {"labelled": len(rows), "since_ms": since_ms}

    def _annotate(self) -> Facts:
        teacher = str(self._order.making.teacher)
        log = f"{NAME}={self.log}"
        seed = ("--seed", str(self._order.making.seed))
        self._commands.run(
            "annotate", "--teacher", teacher, "--log", log, "--out", str(self.told), *seed
        )
        return {}

    def _train(self) -> Facts:
        """A run that is whole is left: `train` would make it anew."""
        if not _is_whole(self.run):
            making = self._order.making
            what: tuple[str, ...] = ("--log", str(self.log))
            if making.teacher is not None:
                what = ("student", *what, "--annotations", str(self.told / NAME))
            rest = ("--out", str(self.run), "--seed", str(making.seed), *making.train_options)
            self._commands.run("train", *what, *rest)
        return {}

    def _evaluate(self) -> Facts:
        self._commands.run("evaluate", "--run", str(self.run))
        return {}

    def _export(self) -> Facts:
        shutil.rmtree(self.serving, ignore_errors=True)
        where = ("--run", str(self.run), "--out", str(self.serving))
        self._commands.run("export", *where, *self._order.making.export_options)
        return dict(named_in(self.serving))

    def _verify(self) -> Facts:
        for role in ROLES:
            self._commands.run("bundle", "verify", str(self.bundle(role)))
        return {}


def named_in(serving: Path) -> dict[str, str]:
    """Folder names of the bundles by role. Raises OSError, ValueError."""
    named: dict[str, str] = json.loads((serving / "serving.json").read_text())
    return named


def _is_whole(run: Path) -> bool:
    try:
        RunRecord.read(run)
    except RunFolderInvalid:
        return False
    return True
