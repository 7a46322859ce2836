"""What a teacher says of many pairs, each different one once, in blocks that can be kept."""

from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
import xxhash
from rich.progress import Progress
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from models.annotation.errors import AnnotationsInvalid, AnnotationsRefused
from models.data.batches import Pairs
from models.examples import Examples
from models.features.records import F32, I64
from models.inputs import Inputs
from models.teacher import Teacher
from models.training.staged_file import staged

ASKED: Final = "asked"
STATES: Final = 256
"""States of users that the teacher reads together: a block."""


class Wanted(NamedTuple):
    """Items with the states that they are judged under: state s is of request s // 2."""

    state: I64  # [E]
    item: I64  # [E]


class Judged(NamedTuple):
    logit: F32  # [E, T]
    z: F32  # [E, d]

    def taken(self, rows: slice | I64) -> "Judged":
        return Judged(self.logit[rows], self.z[rows])


class Blocks(NamedTuple):
    """Finished blocks in a folder, or nowhere; `of` says what states and items count in.

    Each carries the digest of what it was asked, so that none is taken for another's.
    """

    folder: Path | None = None
    of: str = ""

    def load(self, number: int, asked: str) -> Judged | None:
        """Raises AnnotationsRefused, or AnnotationsInvalid."""
        if self.folder is None or not (path := self._path(number)).exists():
            return None
        try:
            with safe_open(path, framework="np") as file:
                found = file.metadata()[ASKED]
                judged = Judged(*(file.get_tensor(name) for name in Judged._fields))
        except (OSError, SafetensorError, KeyError, TypeError) as error:
            raise AnnotationsInvalid(f"{path} is damaged ({error}): remove it") from error
        if found != asked:
            raise AnnotationsRefused(
                f"{path} is of another annotation ({found}, not {asked}): "
                f"choose another --out or remove {self.folder}"
            )
        return judged

    def keep(self, number: int, asked: str, judged: Judged) -> None:
        if self.folder is not None:
            with staged(self._path(number)) as beside:
                save_file(judged._asdict(), beside, metadata={ASKED: asked})

    def pairs(self) -> int:
        """That the teacher gave its word on in all of them."""
        return sum(_rows(path) for path in self._there())

    def clear(self) -> None:
        for path in self._there():
            path.unlink()
        if self.folder is not None and self.folder.exists() and not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _there(self) -> list[Path]:
        return [] if self.folder is None else sorted(self.folder.glob("block-*.safetensors"))

    def _path(self, number: int) -> Path:
        assert self.folder is not None
        return self.folder / f"block-{number:06}.safetensors"


def judged(
    teacher: Teacher,
    examples: Examples,
    wanted: Wanted,
    at_ms: I64,
    progress: Progress,
    blocks: Blocks,
) -> Judged:
    """`at_ms` by state: the user is read as of then. One row a wanted pair, in its order."""
    items = int(wanted.item.max(initial=0)) + 1
    unique, inverse = np.unique(wanted.state * items + wanted.item, return_inverse=True)
    state, item = unique // items, unique % items
    states, state_of = np.unique(state, return_inverse=True)
    bar = progress.add_task("annotate", total=len(states))
    parts = []
    for number, start in enumerate(range(0, len(states), STATES)):
        rows = slice(*np.searchsorted(state_of, [start, start + STATES]))
        pairs, of_block = Pairs(state_of[rows] - start, item[rows]), states[start : start + STATES]
        asked = _digest(blocks.of, of_block, at_ms[of_block], *pairs)
        part = blocks.load(number, asked)
        if part is None:
            part = _said(teacher, examples, of_block, pairs, at_ms)
            blocks.keep(number, asked, part)
        parts.append(part)
        progress.advance(bar, STATES)
    logit, z = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Judged(logit[inverse], z[inverse])


def _said(teacher: Teacher, examples: Examples, states: I64, pairs: Pairs, at_ms: I64) -> Judged:
    arrays = examples.arrays(states // 2, pairs, as_of_ms=at_ms[states])
    with torch.inference_mode():
        answered = teacher(Inputs.of(arrays))
    return Judged(answered.logit.numpy(), answered.z.numpy())


def _digest(of: str, *columns: I64) -> str:
    digest = xxhash.xxh3_128(of.encode())
    for column in columns:
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()


def _rows(path: Path) -> int:
    with safe_open(path, framework="np") as file:
        return int(file.get_slice("logit").get_shape()[0])
