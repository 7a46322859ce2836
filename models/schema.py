"""What a log holds and what a model reads of it. Torch-free."""

import hashlib
from typing import Final, Literal, NamedTuple, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

Tier = Literal["none", "item", "user", "neighbour", "pair"]
TIERS: Final[tuple[Tier, ...]] = get_args(Tier)
"""Where a candidate's z came from, the best last; the position is the code a student reads."""
LOWER_TIERS: Final[tuple[Tier, ...]] = TIERS[1:-1]
"""Those below the pair, which lend another pair's word."""

Source = Literal["user", "history", "context", "item", "teacher", "sequence"]


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Column(Frozen):
    """One column of the user, item or context table.

    A categorical value is hashed to 64 bits and read modulo `buckets`, bucket 0 being "missing";
    a number x is read as (sign(x)·log1p|x| − mean) / scale, missing as 0.
    """

    name: str = Field(min_length=1, max_length=64)
    kind: Literal["categorical", "number"]
    buckets: int = Field(default=0, ge=0, le=1 << 24)
    mean: float = 0.0
    scale: float = 1.0


class LogSchema(Frozen):
    """The layout of a log and of the live state kept from it, shared by all its models."""

    tasks: tuple[str, ...] = Field(min_length=1, max_length=4)
    user: tuple[Column, ...] = ()
    item: tuple[Column, ...] = ()
    context: tuple[Column, ...] = ()
    counter_half_life_hours: float = Field(default=168.0, gt=0)

    @property
    def counter_half_life_ms(self) -> float:
        return self.counter_half_life_hours * 3_600_000.0

    def fingerprint(self) -> int:
        """64 bits that change with the names, kinds and order of tasks and columns."""
        tables = (self.user, self.item, self.context)
        layout = [list(self.tasks)] + [[f"{c.kind}:{c.name}" for c in table] for table in tables]
        digest = hashlib.sha256(repr(layout).encode()).digest()
        return int.from_bytes(digest[:8], "little")


def categorical(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    return tuple(column for column in columns if column.kind == "categorical")


def numbers(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    return tuple(column for column in columns if column.kind == "number")


class TensorSpec(Frozen):
    """One input or output of a graph; a named axis (`R` requests, `N` candidates) is dynamic."""

    name: str
    dtype: Literal["float32", "int64"]
    shape: tuple[int | str, ...]
    source: Source | None = None


class _Counted(NamedTuple):
    """Widths of the numeric tensors once the counters are in."""

    user: int
    context: int
    item: int


class FeatureSchema(Frozen):
    """What one model reads. `teacher_dim` 0 means that it reads nothing of a teacher;
    `reads_sequence`, that it reads what a teacher said of the user's past impressions (LoopFM), on
    the events of its history."""

    log: LogSchema
    history_length: int = Field(gt=0, le=1024)
    teacher_dim: int = Field(default=0, ge=0, le=512)
    teacher_tiers: tuple[Tier, ...] = ()  # below the pair, whose z is read
    reads_sequence: bool = False
    prior_rates: tuple[float, ...]

    @model_validator(mode="after")
    def _has_a_width_of_what_it_reads(self) -> Self:
        if (self.reads_sequence or self.teacher_tiers) and not self.teacher_dim:
            raise ValueError(
                "reads_sequence and teacher_tiers need a teacher_dim above 0: both are made of z"
            )
        unknown = sorted(set(self.teacher_tiers) - set(LOWER_TIERS))
        if unknown:
            raise ValueError(
                f"teacher_tiers {', '.join(unknown)}: give some of {', '.join(LOWER_TIERS)}"
            )
        return self

    @property
    def widths(self) -> _Counted:
        tasks = len(self.log.tasks)
        counted = 1 + tasks
        return _Counted(
            user=len(numbers(self.log.user)) + counted,
            context=len(numbers(self.log.context)) + 1,
            item=len(numbers(self.log.item)) + counted,
        )

    def inputs(self) -> tuple[TensorSpec, ...]:
        """Every graph input in order. User side `[R, …]` first, then candidate side `[N, …]`, which
        `group_rows` `[R, K]` divides by request (models.features.grouping)."""
        sides = self._user_side() + self._candidate_side()
        return sides + self._teacher_side() + self._sequence_side()

    def _user_side(self) -> tuple[TensorSpec, ...]:
        length, items = self.history_length, len(categorical(self.log.item))
        users, contexts = len(categorical(self.log.user)), len(categorical(self.log.context)) + 1
        widths = self.widths
        return (
            TensorSpec(name="user_categorical", dtype="int64", shape=("R", users), source="user"),
            TensorSpec(
                name="user_number", dtype="float32", shape=("R", widths.user), source="user"
            ),
            TensorSpec(
                name="context_categorical", dtype="int64", shape=("R", contexts), source="context"
            ),
            TensorSpec(
                name="context_number",
                dtype="float32",
                shape=("R", widths.context),
                source="context",
            ),
            TensorSpec(
                name="history_categorical",
                dtype="int64",
                shape=("R", length, items),
                source="history",
            ),
            TensorSpec(
                name="history_outcome", dtype="int64", shape=("R", length), source="history"
            ),
            TensorSpec(name="history_gap", dtype="float32", shape=("R", length), source="history"),
        )

    def _candidate_side(self) -> tuple[TensorSpec, ...]:
        items = len(categorical(self.log.item))
        return (
            TensorSpec(name="request_index", dtype="int64", shape=("N",)),
            TensorSpec(name="group_rows", dtype="int64", shape=("R", "K")),
            TensorSpec(name="group_place", dtype="int64", shape=("N",)),
            TensorSpec(name="item_categorical", dtype="int64", shape=("N", items), source="item"),
            TensorSpec(
                name="item_number", dtype="float32", shape=("N", self.widths.item), source="item"
            ),
        )

    def _teacher_side(self) -> tuple[TensorSpec, ...]:
        if not self.teacher_dim:
            return ()
        tasks = len(self.log.tasks)
        return (
            TensorSpec(
                name="teacher_z", dtype="float32", shape=("N", self.teacher_dim), source="teacher"
            ),
            TensorSpec(name="teacher_logit", dtype="float32", shape=("N", tasks), source="teacher"),
            TensorSpec(name="teacher_tier", dtype="int64", shape=("N",), source="teacher"),
            TensorSpec(name="teacher_state", dtype="float32", shape=("N", 2), source="teacher"),
        )

    def _sequence_side(self) -> tuple[TensorSpec, ...]:
        if not self.reads_sequence:
            return ()
        shape = ("R", self.history_length)
        return (
            TensorSpec(
                name="history_z",
                dtype="float32",
                shape=(*shape, self.teacher_dim),
                source="sequence",
            ),
            TensorSpec(name="history_said", dtype="float32", shape=shape, source="sequence"),
        )
