"""Edits of a student's ONNX graph; all but the first do one kind of harm."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.features.records import F32
from models.manifest import Calibration

Edit = Callable[[onnx.ModelProto], None]
LOGIT: Final = "logit"
SOUND: Final = "logit.sound"
MOST: Final = 0.98
"""Of a probability."""


def reweighted(weights: Mapping[str, F32]) -> Edit:
    """`[width, T]` of the inputs that are named; the graph makes nothing of the others."""

    def edit(model: onnx.ModelProto) -> None:
        for tensor in model.graph.initializer:
            if tensor.name.endswith(".weight"):
                held = numpy_helper.to_array(tensor)
                given = weights.get(tensor.name.split(".")[1], np.zeros_like(held))
                assert given.shape == held.shape, tensor.name
                tensor.CopyFrom(numpy_helper.from_array(given.astype(np.float32), tensor.name))

    return edit


def inverted(about: float) -> Edit:
    """The logit times −1; about its own mean, so that scores are distributed as before."""

    def edit(model: onnx.ModelProto) -> None:
        _ending(model, ("Sub", [_held(model, "twice", 2.0 * about), SOUND]))

    return edit


def constant(model: onnx.ModelProto) -> None:
    _ending(model, ("Mul", [SOUND, _held(model, "none", 0.0)]))


def rescored(factor: float, calibration: Sequence[Calibration]) -> Edit:
    """Calibrated probabilities times `factor`."""

    def edit(model: onnx.ModelProto) -> None:
        scale = _held(model, "scale", [each.scale for each in calibration])
        offset = _held(model, "offset", [each.offset for each in calibration])
        _ending(
            model,
            ("Mul", [SOUND, scale]),
            ("Add", ["-", offset]),
            ("Sigmoid", ["-"]),
            ("Mul", ["-", _held(model, "factor", factor)]),
            ("Min", ["-", _held(model, "most", MOST)]),
            # log p/(1 − p) = −log(1/p − 1)
            ("Reciprocal", ["-"]),
            ("Sub", ["-", _held(model, "one", 1.0)]),
            ("Log", ["-"]),
            ("Neg", ["-"]),
            ("Sub", ["-", offset]),
            ("Div", ["-", scale]),
        )

    return edit


def reordered(name: str, order: Sequence[int]) -> Edit:
    """The columns of an input, as one takes them who has them in another order."""

    def edit(model: onnx.ModelProto) -> None:
        for node in model.graph.node:
            node.input[:] = [f"{name}.other" if each == name else each for each in node.input]
        places = _held(model, f"{name}.order", np.array(order))
        taken = helper.make_node("Gather", [name, places], [f"{name}.other"], axis=1)
        model.graph.node.insert(0, taken)

    return edit


def slowed(copies: int) -> Edit:
    """All of the work so many times more, with weights that nothing can merge."""

    def edit(model: onnx.ModelProto) -> None:
        nodes, weights = list(model.graph.node), list(model.graph.initializer)
        for copy in range(copies):
            model.graph.initializer.extend(_scaled(each, copy) for each in weights)
            model.graph.node.extend(_copied(nodes, weights, copy))
        logits = [f"{LOGIT}~{copy}" for copy in range(copies)]
        model.graph.node.append(helper.make_node("Sum", logits, ["harm.work"]))
        none = _held(model, "none", 0.0)
        _ending(model, ("Mul", ["harm.work", none]), ("Add", ["-", SOUND]))

    return edit


def raising(candidates: int) -> Edit:
    """Fails in a run of so many candidates or more: it looks one up past the end of a table."""

    def edit(model: onnx.ModelProto) -> None:
        table = _held(model, "table", np.zeros(candidates, np.float32))
        _ending(
            model,
            ("Shape", ["request_index"]),
            ("Gather", [table, "-"]),
            ("Add", ["-", SOUND]),
        )

    return edit


def killing(candidates: int) -> Edit:
    """Divides the least integer by −1 in a run of so many candidates or more: what comes of that on
    x86 is no exception but SIGFPE, and the process ends."""

    def edit(model: onnx.ModelProto) -> None:
        most, two, one, least = (
            _held(model, name, np.array([value]))
            for name, value in (("most", candidates), ("two", 2), ("one", 1), ("least", -(2**63)))
        )
        _ending(
            model,
            ("Shape", ["request_index"]),
            ("Less", ["-", most]),
            ("Cast", ["-"], {"to": TensorProto.INT64}),
            ("Mul", ["-", two]),
            ("Sub", ["-", one]),
            ("Div", [least, "-"]),
            ("Cast", ["-"], {"to": TensorProto.FLOAT}),
            ("Mul", ["-", _held(model, "none", 0.0)]),
            ("Add", ["-", SOUND]),
        )

    return edit


def poisoned(name: str, column: int, past: float) -> Edit:
    """No number wherever that column of a user-side input is more than `past`: √(past − x)."""

    def edit(model: onnx.ModelProto) -> None:
        places = _held(model, "column", np.array([column]))
        _ending(
            model,
            ("Gather", [name, places], {"axis": 1}),
            ("Gather", ["-", "request_index"], {"axis": 0}),
            ("Sub", [_held(model, "past", past), "-"]),
            ("Sqrt", ["-"]),
            ("Mul", ["-", _held(model, "none", 0.0)]),
            ("Add", ["-", SOUND]),
        )

    return edit


def _ending(model: onnx.ModelProto, *steps: tuple[Any, ...]) -> None:
    """A chain of operations that gives the logit; "-" is what the step before gave."""
    for node in model.graph.node:
        node.output[:] = [SOUND if each == LOGIT else each for each in node.output]
    before = ""
    for number, (kind, inputs, *attributes) in enumerate(steps):
        gives = LOGIT if number == len(steps) - 1 else f"harm.{number}"
        reads = [before if each == "-" else each for each in inputs]
        named = attributes[0] if attributes else {}
        model.graph.node.append(helper.make_node(kind, reads, [gives], **named))
        before = gives


def _held(model: onnx.ModelProto, name: str, value: Any) -> str:
    """Floats become float32; arrays are kept as they are."""
    array = value if isinstance(value, np.ndarray) else np.array(value, np.float32)
    model.graph.initializer.append(numpy_helper.from_array(array, f"harm.{name}"))
    return f"harm.{name}"


def _scaled(weight: onnx.TensorProto, copy: int) -> onnx.TensorProto:
    held = numpy_helper.to_array(weight)
    by = (2 + copy) if held.dtype == np.float32 else 1
    return numpy_helper.from_array((held * by).astype(held.dtype), f"{weight.name}~{copy}")


def _copied(
    nodes: Sequence[onnx.NodeProto], weights: Sequence[onnx.TensorProto], copy: int
) -> list[onnx.NodeProto]:
    own = {each for node in nodes for each in node.output} | {each.name for each in weights}
    copies = []
    for node in nodes:
        other = onnx.NodeProto()
        other.CopyFrom(node)
        other.input[:] = [f"{each}~{copy}" if each in own else each for each in node.input]
        other.output[:] = [f"{each}~{copy}" for each in node.output]
        copies.append(other)
    return copies
