"""What a rollout is rehearsed with: two students made of a good one by editing its graph.

python -m export.rehearsal build/demo/serving --out FOLDER

FOLDER/serving is SERVING with a student that hears no hints in place of its own; FOLDER/registry
has SERVING's student and one whose order is the inverse; FOLDER/rehearsal.json names them.
"""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import onnx
import onnxruntime as ort
import typer
from onnx import helper, numpy_helper
from safetensors.numpy import load_file

from export.bundle import write_bundle
from export.golden import golden_bytes
from export.registry.pushing import Note, push
from models.features.records import Arrays
from models.manifest import GOLDEN, MODEL, Manifest, read_manifest
from models.registry.registry import Registry

SERVING: Final = "serving.json"
REHEARSAL: Final = "rehearsal.json"
HINTS: Final = ("teacher_", "history_z", "history_said")
"""How the inputs begin that the teacher fills."""
LOGIT: Final = "logit"
SOUND: Final = "logit.sound"
PUSHED_BY: Final = "rehearsal"
Edit = Callable[[onnx.ModelProto, Arrays], None]
"""Of a graph, given its golden answers."""


def deafened(model: onnx.ModelProto, _: Arrays) -> None:
    """Every hint times 0: what the student says where the cache has nothing, at the same cost."""
    for hint in [each for each in model.graph.input if each.name.startswith(HINTS)]:
        unheard = f"{hint.name}.unheard"
        for node in model.graph.node:
            node.input[:] = [unheard if each == hint.name else each for each in node.input]
        kind = helper.tensor_dtype_to_np_dtype(hint.type.tensor_type.elem_type)
        none = _held(model, f"{hint.name}.none", np.zeros((), kind))
        model.graph.node.insert(0, helper.make_node("Mul", [hint.name, none], [unheard]))


def inverted(model: onnx.ModelProto, golden: Arrays) -> None:
    """Logits mirrored about their golden mean: what was best is worst."""
    for node in model.graph.node:
        node.output[:] = [SOUND if each == LOGIT else each for each in node.output]
    mean = golden[f"output.{LOGIT}"].mean(axis=0, keepdims=True)
    twice = _held(model, "twice", (2.0 * mean).astype(np.float32))
    model.graph.node.append(helper.make_node("Sub", [twice, SOUND], [LOGIT]))


def edited(parent: Path, of: Path, edit: Edit) -> Path:
    """Another bundle, in `parent`, with golden answers and hashes of its own: it verifies."""
    manifest, _ = read_manifest(of)
    model, golden = onnx.load(of / MODEL), load_file(of / GOLDEN)
    edit(model, golden)
    graph = model.SerializeToString(deterministic=True)
    files = {name: (of / name).read_bytes() for name in manifest.files}
    files |= {MODEL: graph, GOLDEN: _golden(graph, manifest, golden)}
    return write_bundle(parent, manifest.model_dump(exclude={"files"}), files)


def prepare(serving: Path, out: Path, say: Callable[[str], None]) -> None:
    named = json.loads((serving / SERVING).read_text())
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(serving, out / "serving")
    good = serving / named["student"]
    deaf = edited(out / "serving", good, deafened)
    (out / "serving" / SERVING).write_text(json.dumps({**named, "student": deaf.name}))
    registry = Registry.open(f"file://{(out / 'registry').resolve()}")
    for bundle in (good, harmful := edited(out / "harmful", good, inverted)):
        push(registry, bundle, Note(time.time_ns() // 1_000_000, PUSHED_BY))
    told = {"first": deaf.name, "better": good.name, "harmful": harmful.name}
    (out / REHEARSAL).write_text(json.dumps(told))
    for name, bundle in told.items():
        say(f"{name:8} {bundle}")


def _golden(graph: bytes, manifest: Manifest, golden: Arrays) -> bytes:
    session = ort.InferenceSession(graph, providers=["CPUExecutionProvider"])
    inputs = {spec.name: golden[f"input.{spec.name}"] for spec in manifest.inputs}
    names = [spec.name for spec in manifest.outputs]
    return golden_bytes(inputs, dict(zip(names, session.run(names, inputs), strict=True)))


def _held(model: onnx.ModelProto, name: str, value: Any) -> str:
    model.graph.initializer.append(numpy_helper.from_array(value, f"rehearsal.{name}"))
    return f"rehearsal.{name}"


def rehearsal(
    serving: Annotated[Path, typer.Argument(help="A serving folder, as `understudy export` does.")],
    out: Annotated[Path, typer.Option(help="The folder to write anew.")],
) -> None:
    """Make a student that hears no hints and one that is wrong, of the one that is served."""
    prepare(serving, out, typer.echo)


if __name__ == "__main__":
    typer.run(rehearsal)
