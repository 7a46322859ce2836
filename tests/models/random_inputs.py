"""Random feature arrays that fit any schema: small ids, any length, several requests."""

import numpy as np

from models.features.build import group_side
from models.features.grouping import grouped
from models.features.records import Arrays
from models.schema import TIERS, Column, FeatureSchema, LogSchema

LOG = LogSchema(
    tasks=("click", "conversion"),
    user=(
        Column(name="user_id", kind="categorical", buckets=64),
        Column(name="tenure", kind="number"),
    ),
    item=(
        Column(name="item_id", kind="categorical", buckets=32),
        Column(name="brand", kind="categorical", buckets=8),
        Column(name="price", kind="number"),
    ),
    context=(Column(name="placement", kind="categorical", buckets=8),),
)


def schema_of(
    history_length: int = 6, teacher_dim: int = 0, reads_sequence: bool = False
) -> FeatureSchema:
    return FeatureSchema(
        log=LOG,
        history_length=history_length,
        teacher_dim=teacher_dim,
        reads_sequence=reads_sequence,
        prior_rates=(0.05, 0.01),
    )


def random_arrays(schema: FeatureSchema, requests: int, candidates: int, seed: int = 0) -> Arrays:
    rng = np.random.default_rng(seed)
    sizes = {"R": requests, "N": candidates, "K": 1}
    ceilings = {"request_index": requests, "teacher_tier": len(TIERS), "history_outcome": 8}
    arrays: Arrays = {}
    for spec in schema.inputs():
        shape = [sizes[size] if isinstance(size, str) else size for size in spec.shape]
        if spec.dtype == "int64":
            arrays[spec.name] = rng.integers(0, ceilings.get(spec.name, 8), shape)
        else:
            arrays[spec.name] = rng.normal(size=shape).astype(np.float32)
    return arrays | group_side(grouped(arrays["request_index"], requests))
