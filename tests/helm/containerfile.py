"""The Containerfile, as far as a test can read it."""

import re
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[2]
STAGE: Final = re.compile(r"^FROM (\S+) AS (\S+)$", re.MULTILINE)
EXTRAS: Final = re.compile(r'-e "\.\[([\w,-]+)\]"')


class Stage(NamedTuple):
    name: str
    base: str
    lines: tuple[str, ...]

    def all(self, word: str) -> list[str]:
        """What stands behind that instruction."""
        return [line.removeprefix(word).strip() for line in self.lines if line.startswith(word)]


def stages() -> dict[str, Stage]:
    text = re.sub(r"\\\n\s*", "", (ROOT / "Containerfile").read_text("utf-8"))
    found: dict[str, Stage] = {}
    parts = STAGE.split(text)[1:]
    for base, name, body in zip(*(iter(parts),) * 3, strict=True):
        lines = tuple(line for line in body.splitlines() if line and not line.startswith("#"))
        found[name] = Stage(name, base, lines)
    return found


def extras_of(target: str) -> set[str]:
    [run] = stages()[f"with-{target}"].all("RUN")
    match = EXTRAS.search(run)
    assert match is not None, run
    return set(match[1].split(","))


def targets() -> list[str]:
    return [name for name, stage in stages().items() if stage.base == "runtime"]
