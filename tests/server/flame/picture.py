"""The stacks as a flame graph: a frame is as wide as its share of samples, its callers below."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from loadtest.svg import styled
from tests.server.flame.stacks import AROUND, STAGES, Frame, Stack, stage_of, total

LEAST: Final = 0.004
"""Share of all samples below which a frame is not drawn."""
LETTERS: Final = 150
"""That fit in the whole width."""
OWN: Final = ("server/", "cache/", "models/")
COLOURS: Final = dict(
    zip(
        (*STAGES, AROUND),
        ("#4c8fd6", "#8d99ae", "#2a9d8f", "#e9b44c", "#d1603d", "#9b5de5", "#43aa8b", "#b56576",
         "#6d9dc5", "#c9ccd1"),
        strict=True,
    )
)  # fmt: skip


@dataclass
class Node:
    """A frame where it was called from; `samples` with all that it called."""

    samples: int = 0
    stage: str = AROUND
    called: dict[Frame, "Node"] = field(default_factory=dict)


class Box(NamedTuple):
    frame: Frame
    stage: str
    left: float  # share of all samples
    width: float
    depth: int


def tree(stacks: Sequence[Stack]) -> Node:
    root = Node(total(stacks))
    for stack in stacks:
        node = root
        for place, frame in enumerate(stack.frames):
            node = node.called.setdefault(frame, Node(stage=stage_of(stack.frames[: place + 1])))
            node.samples += stack.samples
    return root


def boxes(root: Node) -> list[Box]:
    """Widest first among siblings. A frame of others that does nothing but call one is left out."""
    return list(_boxes(root, 0.0, 0, root.samples))


def _boxes(node: Node, left: float, depth: int, samples: int) -> Iterator[Box]:
    for frame, called in sorted(node.called.items(), key=lambda each: -each[1].samples):
        width = called.samples / samples
        if width >= LEAST:
            is_shown = not _is_passing(frame, called)
            if is_shown:
                yield Box(frame, called.stage, left, width, depth)
            yield from _boxes(called, left, depth + is_shown, samples)
        left += width


def _is_passing(frame: Frame, node: Node) -> bool:
    calls_one = [each.samples for each in node.called.values()] == [node.samples]
    return calls_one and not frame.file.startswith(OWN)


@styled
def draw(stacks: Sequence[Stack]) -> Figure:
    drawn = boxes(tree(stacks))
    depth = 1 + max(box.depth for box in drawn)
    figure = Figure(figsize=(11.0, 0.8 + 0.22 * depth), layout="constrained")
    axes = figure.subplots()
    for box in drawn:
        axes.add_patch(
            Rectangle((box.left, box.depth), box.width, 0.94, color=COLOURS[box.stage], lw=0)
        )
        axes.text(box.left + 0.001, box.depth + 0.47, _short(box), fontsize=5.5, va="center")
    axes.set(xlim=(0, 1), ylim=(0, depth))
    axes.set_axis_off()
    named = dict.fromkeys(box.stage for box in drawn)
    patches = [Rectangle((0, 0), 1, 1, color=COLOURS[name]) for name in named]
    axes.legend(
        patches,
        list(named),
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=5,
        frameon=False,
        fontsize=7,
    )
    return figure


def _short(box: Box) -> str:
    letters = int(box.width * LETTERS)
    label = box.frame.label
    if len(label) > letters:
        label = box.frame.name
    return label if len(label) <= letters else label[: max(letters - 1, 0)]
