"""Serving folders: of a good student, and of what edits make of it. Each bundle verifies."""

import json
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx

from export.bundle import write_bundle
from models.features.catalogue import Catalogue
from models.features.records import F32
from models.manifest import GOLDEN, MODEL, Calibration, read_manifest
from tests.bundles import SPACE, golden, linear_student, linear_teacher, tiny_catalogue
from tests.server.rollout.harm.graph_edits import Edit, reweighted

PRICE: Final = 0
"""A column of item_number, about 0 in the mean."""
SHOWN: Final = 1
"""Another, more than 4 in the mean."""
HINT: Final[F32] = 0.35 * np.array([1, -1, 1, 1, -1, 1, -1, -1], np.float32)
"""What a click's logit makes of z."""
CENTRE: Final = 1.3
"""Mean of the logits."""
CALIBRATION: Final = Calibration(scale=1.0, offset=-3.8)
TASKS: Final = ("click", "conversion")


def good_student(parent: Path, shift: float = 0.0) -> Path:
    """Reads an item's price, how often it was shown, and the teacher's z; the same at any context.
    A `shift` of the weights by little makes another bundle of the same quality."""
    items = np.zeros((4, 1), np.float32)
    items[[PRICE, SHOWN], 0] = -0.6 + shift, 0.3
    # The second task is a fainter copy of the first.
    per_task = np.array([[1.0, 0.5]], np.float32)
    weights = {"item_number": items * per_task, "teacher_z": HINT[:, None] * per_task}
    base = linear_student(parent / "base")
    calibration = {task: CALIBRATION.model_dump() for task in TASKS}
    return edited(parent, base, reweighted(weights), calibration=calibration)


def edited(parent: Path, of: Path, *edits: Edit, **fields: Any) -> Path:
    """Another bundle, with golden answers and hashes of its own."""
    manifest, _ = read_manifest(of)
    model = onnx.load(of / MODEL)
    for edit in edits:
        edit(model)
    graph = model.SerializeToString(deterministic=True)
    files = {name: (of / name).read_bytes() for name in manifest.files}
    files |= {MODEL: graph, GOLDEN: golden(graph, manifest.features, list(manifest.outputs))}
    return write_bundle(parent, manifest.model_dump(exclude={"files"}) | fields, files)


def serving_of(parent: Path, student: Path, space: str = SPACE) -> Path:
    """`parent` as a serving folder of a student that lies in it."""
    assert student.parent == parent
    teacher = linear_teacher(parent, space=space)
    names = {"student": student.name, "teacher": teacher.name}
    (parent / "serving.json").write_text(json.dumps(names))
    fresh_catalogue().save(parent / "catalogue.safetensors")
    return parent


def fresh_catalogue() -> Catalogue:
    """Its counters are of now: old ones would have faded."""
    catalogue = tiny_catalogue()
    catalogue.counters_at[catalogue.counters_at > 0] = time.time_ns() // 1_000_000
    return catalogue
