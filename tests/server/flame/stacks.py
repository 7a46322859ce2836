"""What py-spy wrote: each distinct stack, outermost frame first, and in how many samples it was."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

_FRAME: Final = re.compile(r"(?P<name>.+) \((?P<file>[^()]*?)(?::\d+)?\)")
_NATIVE: Final = re.compile(r"\s*\d*")

STAGES: Final = {
    "decode": ("server/body.py", "server/candidates.py", "server/columns.py"),
    "queue": ("server/admission.py", "server/line.py"),
    "cache": ("cache/reader.py", "cache/pipelined_reads.py", "cache/line.py"),
    "features": ("server/assembly.py",),
    "inference": ("server/scoring.py", "models/runtime.py"),
    "rerank": ("server/slate.py", "server/rerank.py"),
    "encode": ("server/answer.py", "server/summary.py"),
    "behind the answer": (
        "server/feedback.py",
        "server/served_log.py",
        "cache/demand_feed.py",
        "cache/served_feed.py",
    ),
    "route and batch": ("server/routes/rank.py", "server/ranker.py", "server/batch.py"),
}
"""By the files that a stage begins in: a sample is the stage's whose file is its innermost."""
AROUND: Final = "HTTP, event loop and the rest"
WAITING: Final = (
    ("_worker", "concurrent/futures/thread.py"),
    ("Condition.wait", "threading.py"),
)
"""Threads without work, which py-spy takes for busy ones now and then."""
POOLS: Final = ("threading.py", "concurrent/futures/thread.py")
_STAGE_OF: Final = {file: stage for stage, files in STAGES.items() for file in files}


class StacksUnread(Exception):
    """Not what `py-spy record --format raw` writes."""


class Frame(NamedTuple):
    name: str
    file: str

    @property
    def label(self) -> str:
        return f"{self.name} ({self.file})" if self.file else self.name


class Stack(NamedTuple):
    frames: tuple[Frame, ...]
    samples: int


def read_stacks(text: str) -> list[Stack]:
    """Of threads that work; those of none but native frames are left out. Raises StacksUnread."""
    stacks = [_stack(line) for line in text.splitlines() if not _NATIVE.fullmatch(line)]
    return [stack for stack in stacks if stack.frames[-1] not in WAITING]


def _stack(line: str) -> Stack:
    frames, _, count = line.rpartition(" ")
    if not frames or not count.isdecimal():
        raise StacksUnread(f"{line[:80]!r} is no `frame;frame COUNT`: record with --format raw")
    return Stack(tuple(map(_frame, frames.split(";"))), int(count))


def _frame(text: str) -> Frame:
    found = _FRAME.fullmatch(text)
    return Frame(found["name"], found["file"]) if found else Frame(text, "")


def total(stacks: Sequence[Stack]) -> int:
    return sum(stack.samples for stack in stacks)


def main_share(stacks: Sequence[Stack]) -> float:
    """Of the event loop's thread."""
    return total([stack for stack in stacks if not _is_of_pool(stack)]) / total(stacks)


def _is_of_pool(stack: Stack) -> bool:
    return any(frame.file in POOLS for frame in stack.frames)


def self_time(stacks: Sequence[Stack]) -> Counter[Frame]:
    """Samples by the frame that was executing; native code is its caller's."""
    spent: Counter[Frame] = Counter()
    for stack in stacks:
        spent[stack.frames[-1]] += stack.samples
    return spent


def by_stage(stacks: Sequence[Stack]) -> dict[str, int]:
    """Every sample once."""
    spent = dict.fromkeys((*STAGES, AROUND), 0)
    for stack in stacks:
        spent[stage_of(stack.frames)] += stack.samples
    return spent


def stage_of(frames: Sequence[Frame]) -> str:
    inner = (_STAGE_OF.get(frame.file) for frame in reversed(frames))
    return next(filter(None, inner), AROUND)
