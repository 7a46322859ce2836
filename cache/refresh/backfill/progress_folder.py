"""What a job is to do and has done, on disk: a kill costs the blocks that were in work.

`job.json` says whose folder it is, `rows.parquet` holds what is to be done, a block a row group,
`done/<block>.json` is there once that block's pages are written. Every file comes by a rename.
"""

import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import polars as pl

from cache.refresh.backfill.errors import JobDiffers, ProgressUnavailable, TooManyBlocks

FORMAT: Final = 1
MAX_BLOCKS: Final = 100_000
"""Files in one folder."""

Identity = Mapping[str, Any]
"""What makes a job another one, by the option that says it; JSON values."""


class Kept(NamedTuple):
    """Settled when the job began, so that it ends with what it began with."""

    rows: int
    rows_a_block: int
    popular: tuple[int, ...]

    @property
    def blocks(self) -> int:
        return -(-self.rows // self.rows_a_block)


class ProgressFolder:
    """Every call may raise ProgressUnavailable."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._done = folder / "done"
        self._rows = folder / "rows.parquet"
        self._job = folder / "job.json"

    def begun(self, identity: Identity) -> Kept | None:
        """What an earlier run of this job has kept. Raises JobDiffers."""
        with _unavailable_when_failing(self._folder):
            if not self._job.exists():
                return None
            held = json.loads(self._job.read_bytes())
        self._check(held, identity)
        return Kept(held["rows"], held["rows_a_block"], tuple(held["popular"]))

    def begin(
        self, identity: Identity, rows: pl.LazyFrame, rows_a_block: int, popular: tuple[int, ...]
    ) -> Kept:
        """Raises TooManyBlocks, and whatever the rows raise when they are read."""
        with _unavailable_when_failing(self._folder):
            self._done.mkdir(parents=True, exist_ok=True)
            _renamed(self._rows, lambda path: rows.sink_parquet(path, row_group_size=rows_a_block))
            count = pl.scan_parquet(self._rows).select(pl.len()).collect().item()
        kept = Kept(count, rows_a_block, popular)
        if kept.blocks > MAX_BLOCKS:
            raise TooManyBlocks(
                f"{kept.blocks} blocks, at most {MAX_BLOCKS}: give a larger --block-pairs"
            )
        told = {"format": FORMAT, "identity": identity} | kept._asdict()
        self._write(self._job, told)
        return kept

    def rows(self, block: int, rows_a_block: int) -> pl.DataFrame:
        with _unavailable_when_failing(self._folder):
            part = pl.scan_parquet(self._rows).slice(block * rows_a_block, rows_a_block)
            return part.collect()

    def finish(self, block: int, report: Mapping[str, float]) -> None:
        self._write(self._file_of(block), report)

    def reports(self) -> dict[int, dict[str, float]]:
        """Of the blocks that are done. A file that a loss of power left empty tells nothing."""
        found = {}
        with _unavailable_when_failing(self._folder):
            for path in self._done.glob("*.json"):
                try:
                    found[int(path.stem)] = dict(json.loads(path.read_bytes()))
                except ValueError:
                    continue
        return found

    def _check(self, held: Mapping[str, Any], identity: Identity) -> None:
        there = held["identity"] if held.get("format") == FORMAT else {}
        here = json.loads(json.dumps(identity))
        for option in here | there:
            if here.get(option) != there.get(option):
                raise JobDiffers(
                    f"--progress {self._folder} is of another job: {option} is "
                    f"{there.get(option)!r} there and {here.get(option)!r} here: go on with what "
                    "that job was given, or give another folder"
                )

    def _file_of(self, block: int) -> Path:
        return self._done / f"{block:08d}.json"

    def _write(self, path: Path, told: Mapping[str, Any]) -> None:
        with _unavailable_when_failing(self._folder):
            _renamed(path, lambda beside: beside.write_text(json.dumps(told)))


def _renamed(path: Path, write: Callable[[Path], object]) -> None:
    """What a killed process left beside it has no reader."""
    beside = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(3)}")
    try:
        write(beside)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def _unavailable_when_failing(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError) as error:
        raise ProgressUnavailable(
            f"--progress {folder}: {type(error).__name__}: {error}: is there room, may this "
            "process write there, and is it the same folder on every machine?"
        ) from error
