"""All ships of a folder: one a night, numbered, with what each of their steps left.

OUT/.lock                  held by the ship that runs
OUT/ships/0001/ship.json   what it makes, and when it began
                steps/     what each step that is done found
                log/ told/ run/ serving/   gone where many ships have followed
                ended.json when it is over
"""

import fcntl
import json
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from export.ship.errors import Refused
from export.ship.order import Making
from models.schema import Frozen
from models.training.staged_file import staged

SHIPS: Final = "ships"
BEGUN: Final = "ship.json"
ENDED: Final = "ended.json"
LARGE: Final = ("log", "told", "run", "serving")
WAIT_S: Final = 2.0
Result = Literal["started", "done", "rolled_back", "refused", "forgotten", "abandoned"]
Facts = dict[str, Any]


class Begun(Frozen):
    making: Making
    at_ms: int


class Ended(Frozen):
    result: Result
    why: str = ""


class Ship:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def number(self) -> int:
        return int(self.folder.name)

    @property
    def begun(self) -> Begun:
        return Begun.model_validate_json((self.folder / BEGUN).read_text())

    @property
    def ended(self) -> Ended | None:
        path = self.folder / ENDED
        return Ended.model_validate_json(path.read_text()) if path.exists() else None

    def end(self, result: Result, why: str = "") -> None:
        _write(self.folder / ENDED, Ended(result=result, why=why).model_dump())

    def found(self, step: str) -> Facts | None:
        """What the step left, once it is done."""
        path = self._step(step)
        if not path.exists():
            return None
        facts: Facts = json.loads(path.read_text())
        return facts

    def keep(self, step: str, facts: Facts) -> Facts:
        _write(self._step(step), facts)
        return facts

    def thin(self) -> bool:
        """Leaves what tells of it, and whether there was more."""
        found = [path for name in LARGE if (path := self.folder / name).exists()]
        for path in found:
            shutil.rmtree(path)
        return bool(found)

    def drop(self, step: str) -> None:
        self._step(step).unlink()

    def _step(self, step: str) -> Path:
        return self.folder / "steps" / f"{step}.json"


class Ships:
    def __init__(self, out: Path) -> None:
        self._folder = out / SHIPS

    def unfinished(self) -> Ship | None:
        """At most the newest is."""
        newest = self._all()[-1:]
        return next((ship for ship in newest if ship.ended is None), None)

    def last_trained(self) -> Ship | None:
        """The newest that trained to the end, whether it was shipped or refused."""
        over = [ship for ship in self._all() if _is_trained(ship)]
        return over[-1] if over else None

    def begin(self, making: Making, now_ms: int) -> Ship:
        number = max((ship.number for ship in self._all()), default=0) + 1
        ship = Ship(self._folder / f"{number:04}")
        shutil.rmtree(ship.folder, ignore_errors=True)  # of one that was killed as it began
        _write(ship.folder / BEGUN, Begun(making=making, at_ms=now_ms).model_dump(mode="json"))
        return ship

    def forget(self, ship: Ship) -> None:
        (ship.folder / BEGUN).unlink()
        shutil.rmtree(ship.folder)

    def thin(self, kept: int, needed: Iterable[Path]) -> list[Ship]:
        """Those it made smaller: all but the newest `kept`, unless a needed path lies in one."""
        inside = {parent for path in needed for parent in (path.resolve(), *path.resolve().parents)}
        old = [ship for ship in self._all()[:-kept] if ship.folder not in inside]
        return [ship for ship in old if ship.thin()]

    def _all(self) -> list[Ship]:
        found = sorted(self._folder.glob(f"[0-9]*/{BEGUN}"), key=lambda path: int(path.parent.name))
        return [Ship(path.parent) for path in found]


def _is_trained(ship: Ship) -> bool:
    ended = ship.ended
    return ended is not None and ended.result != "abandoned"


def _write(path: Path, facts: Facts) -> None:
    with staged(path) as beside:
        beside.write_text(json.dumps(facts, indent=1) + "\n")


@contextmanager
def alone_in(out: Path) -> Iterator[int]:
    """The lock's descriptor. The kernel gives it back when all that hold it have ended, however:
    a child of a ship that was just killed needs a moment. Raises Refused."""
    out.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + WAIT_S
    with (out / ".lock").open("a") as file:
        while not _is_locked(file.fileno()):
            if time.monotonic() > deadline:
                raise Refused(f"another ship runs in {out}: wait for it, or give another --out")
            time.sleep(0.05)
        yield file.fileno()


def _is_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
