"""Tiny but real bundles: ONNX graphs linear in everything that they declare to read."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from safetensors.numpy import save as to_safetensors

from export.bundle import write_bundle
from models.features.build import build
from models.features.catalogue import Catalogue
from models.features.hashing import key64, keys64
from models.features.item_table import ItemTable
from models.features.records import (
    Arrays,
    CacheAnswer,
    Candidates,
    Hints,
    History,
    Requests,
    ZSequence,
)
from models.features.snapshot import UsersSnapshot
from models.manifest import GOLDEN, MODEL, WARMUP
from models.schema import TIERS, Column, FeatureSchema, LogSchema, TensorSpec, Tier
from tests.linear_graph import OPSET, linear_graph

SPACE = "5eed5eed5eed5eed"
NOW_MS = 1_760_000_000_000
HOUR_MS = 3_600_000
ITEMS = 300
USERS = 20


def log_schema() -> LogSchema:
    return LogSchema(
        tasks=("click", "conversion"),
        user=(
            Column(name="segment", kind="categorical", buckets=16),
            Column(name="tenure_days", kind="number", mean=3.0, scale=2.0),
        ),
        item=(
            Column(name="brand", kind="categorical", buckets=32),
            Column(name="category", kind="categorical", buckets=8),
            Column(name="price", kind="number", mean=2.0, scale=1.5),
        ),
        context=(
            Column(name="placement", kind="categorical", buckets=8),
            Column(name="slot_width", kind="number", mean=5.0, scale=1.0),
        ),
    )


def tiny_catalogue(count: int = ITEMS, seed: int = 3) -> Catalogue:
    """Items `item-0` … `item-{count - 1}` with live counters."""
    rng = np.random.default_rng(seed)
    ids = [f"item-{number}" for number in range(count)]
    names = keys64([f"brand-{number}" for number in range(20)])
    kinds = keys64([f"category-{number}" for number in range(6)])
    columns = np.stack([rng.choice(names, count), rng.choice(kinds, count)], axis=1)
    prices = rng.lognormal(2.0, 1.0, (count, 1)).astype(np.float32)
    catalogue = Catalogue.of(log_schema(), keys64(ids), columns, prices)
    catalogue.counters[:count] = rng.integers(0, 50, (count, 3)) * np.array([4.0, 0.5, 0.1])
    catalogue.counters_at[:count] = NOW_MS - rng.integers(0, 100, count) * HOUR_MS
    return catalogue


def tiny_users(count: int = USERS, seed: int = 4) -> UsersSnapshot:
    """Users `user-0` … with three past events each."""
    rng = np.random.default_rng(seed)
    events = 3 * count
    times = NOW_MS - np.sort(rng.integers(1, 90, (count, 3)), axis=1)[:, ::-1] * HOUR_MS
    return UsersSnapshot(
        schema=log_schema(),
        user_ids=tuple(f"user-{number}" for number in range(count)),
        columns=rng.choice(keys64(["new", "regular", "lapsed"]), (count, 1)),
        numbers=rng.integers(1, 900, (count, 1)).astype(np.float32),
        counters=rng.integers(0, 9, (count, 3)) * np.array([5.0, 0.5, 0.1]),
        counters_at=np.full(count, NOW_MS - HOUR_MS, np.int64),
        history_offsets=np.arange(count + 1, dtype=np.int64) * 3,
        history_items=keys64([f"item-{number}" for number in rng.integers(0, ITEMS, events)]),
        history_times_ms=times.reshape(-1).astype(np.int64),
        history_outcomes=rng.choice(np.array([1, 3, 7], np.uint8), events),
    )


def rank_body(user: str, count: int, seed: int = 0, **extra: Any) -> dict[str, Any]:
    """A body of POST /v1/rank over `count` known items."""
    chosen = np.random.default_rng(seed).permutation(ITEMS)[:count]
    context = {"placement": "feed", "slot_width": 320}
    item_ids = [f"item-{number}" for number in chosen]
    return {"user_id": user, "context": context, "item_ids": item_ids} | extra


def linear_student(
    parent: Path,
    *,
    teacher_dim: int = 8,
    history_length: int = 4,
    space: str | None = SPACE,
    coverage_trained: tuple[float, float] | None = (0.0, 1.0),
    value: Mapping[str, float] | None = None,
    tiers: tuple[Tier, ...] = ("user",),
    seed: int = 1,
) -> Path:
    """A student's bundle; `teacher_dim` 0 is a student that reads no teacher."""
    schema = _feature_schema(history_length, teacher_dim, tiers)
    reads: dict[str, Any] = {}
    if teacher_dim:
        reads |= {"reads_space": space, "coverage_trained": coverage_trained}
    if value:
        reads |= {"value": {"powers": dict(value)}}
    return _bundle(parent, "student" if teacher_dim else "alone", schema, reads, z_dim=0, seed=seed)


def linear_teacher(
    parent: Path, *, z_dim: int = 8, history_length: int = 16, space: str = SPACE, seed: int = 2
) -> Path:
    """A teacher's bundle: logit and z = tanh(linear)."""
    schema = _feature_schema(history_length, 0)
    return _bundle(parent, "teacher", schema, {"produces_space": space}, z_dim=z_dim, seed=seed)


def serving_folder(parent: Path) -> Path:
    """What `understudy export` leaves, less replay.jsonl."""
    folders = {
        "student": linear_student(parent),
        "teacher": linear_teacher(parent),
        "alone": linear_student(parent, teacher_dim=0),
    }
    names = {role: folder.name for role, folder in folders.items()}
    (parent / "serving.json").write_text(json.dumps(names))
    tiny_catalogue().save(parent / "catalogue.safetensors")
    tiny_users().save(parent / "users.safetensors")
    return parent


def _feature_schema(
    history_length: int, teacher_dim: int, tiers: tuple[Tier, ...] = ()
) -> FeatureSchema:
    return FeatureSchema(
        log=log_schema(),
        history_length=history_length,
        teacher_dim=teacher_dim,
        teacher_tiers=tiers if teacher_dim else (),
        reads_sequence=teacher_dim > 0,
        prior_rates=(0.04, 0.005),
    )


def _bundle(
    parent: Path, name: str, schema: FeatureSchema, spaces: dict[str, Any], *, z_dim: int, seed: int
) -> Path:
    tasks = schema.log.tasks
    outputs = [TensorSpec(name="logit", dtype="float32", shape=("N", len(tasks)))]
    if z_dim:
        outputs.append(TensorSpec(name="z", dtype="float32", shape=("N", z_dim)))
    graph = linear_graph(schema, outputs, seed).SerializeToString(deterministic=True)
    fields = {
        "name": name,
        "role": "teacher" if z_dim else "student",
        "tasks": tasks,
        "features": schema,
        "opset": OPSET,
        "inputs": schema.inputs(),
        "outputs": tuple(outputs),
        "parity": {"max_abs_error": {1: 0.0}, "tolerance": 1e-5},
        "calibration": {task: {"scale": 1.1, "offset": -0.2} for task in tasks},
        "trained_on": {"from_ms": NOW_MS - 500 * HOUR_MS, "until_ms": NOW_MS - 100 * HOUR_MS},
        "metrics": {},
    } | spaces
    files = {MODEL: graph, GOLDEN: golden(graph, schema, outputs), WARMUP: _warmup()}
    return write_bundle(parent, fields, files)


def _warmup() -> bytes:
    bodies = [
        rank_body(f"user-{number}", count, seed=number, timestamp_ms=NOW_MS)
        for number, count in enumerate((1, 20, 50, 100, 200))
    ]
    return json.dumps(bodies).encode()


def golden(graph: bytes, schema: FeatureSchema, outputs: list[TensorSpec]) -> bytes:
    arrays = golden_inputs(schema)
    answers = ort.InferenceSession(graph, providers=["CPUExecutionProvider"]).run(None, arrays)
    named = {f"input.{name}": np.ascontiguousarray(array) for name, array in arrays.items()}
    named |= {f"output.{spec.name}": got for spec, got in zip(outputs, answers, strict=True)}
    return to_safetensors(named)


def golden_inputs(schema: FeatureSchema, count: int = 6) -> Arrays:
    """Two requests over `count` items of the catalogue, with hints for every other candidate."""
    catalogue, tasks = tiny_catalogue(), len(schema.log.tasks)
    rng = np.random.default_rng(5)
    row = np.arange(count, dtype=np.int64)
    requests = Requests(
        now_ms=np.full(2, NOW_MS, np.int64),
        user=np.array([[key64("new")], [0]], np.uint64),
        user_number=np.array([[12.0], [np.nan]], np.float32),
        counters=np.array([[4.0, 1.0, 0.0], [0.0, 0.0, 0.0]]),
        counters_at=np.array([NOW_MS - HOUR_MS, 0], np.int64),
        context=np.array([[key64("feed")], [key64("story")]], np.uint64),
        context_number=np.array([[320.0], [np.nan]], np.float32),
        history=History(
            row=np.array([[3, 5], [0, 0]], np.int64),
            time_ms=np.array([[NOW_MS - 9000, NOW_MS - 4000], [0, 0]], np.int64),
            outcome=np.array([[1, 3], [0, 0]], np.uint8),
        ),
    )
    candidates = Candidates(
        np.arange(count, dtype=np.int64) % 2,
        row,
        catalogue.counters[row],
        catalogue.counters_at[row],
    )
    hinted = row % 2 == 0
    hints = Hints(
        (rng.normal(size=(count, schema.teacher_dim)) * hinted[:, None]).astype(np.float32),
        (rng.normal(size=(count, tasks)) * hinted[:, None]).astype(np.float32),
        hinted * np.int64(TIERS.index("pair")),
        (hinted * 60.0).astype(np.float32),
    )
    said = np.zeros((2, schema.history_length), np.float32)
    said[0, -2] = 1.0  # of the older of two events
    z = rng.normal(size=(*said.shape, schema.teacher_dim)) * said[..., None]
    answer = CacheAnswer(hints, ZSequence(z.astype(np.float32), said))
    return build(schema, ItemTable.of(schema, catalogue), requests, candidates, answer)
