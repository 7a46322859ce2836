"""What a teacher is given to judge a served request: what the student was given, where it reads it.

A served request holds the student's inputs to the bit. A teacher reads the same columns, above
other base rates, and a longer history: what is older than the student's is in the user's record.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cache.record import UserRecord
from cache.refresh.stacked import Wanted, candidates_of, requests_of
from cache.served import Served
from models.features.build import build, group_side
from models.features.cached import cache_side
from models.features.catalogue_view import View
from models.features.counters import Prior
from models.features.grouping import grouped_in_order
from models.features.hashing import keys64
from models.features.records import F32, F64, I64, Arrays
from models.schema import FeatureSchema, categorical, numbers

HISTORY: Final = ("history_categorical", "history_outcome", "history_gap")
BY_USER: Final = ("user_categorical", "context_categorical", "context_number")


def as_served(served: Served) -> Arrays:
    """The student's inputs."""
    return served.user_side | served.candidate_side | layout(len(served.item_ids))


def masked(arrays: Arrays, schema: FeatureSchema) -> Arrays:
    """The same, as if the cache had held nothing of the teacher's."""
    return arrays | cache_side(schema, 1, len(arrays["request_index"]), None)


def layout(count: int) -> Arrays:
    """Of one request."""
    return {"request_index": np.zeros(count, np.int64)} | group_side(grouped_in_order([count]))


def needs_record(served: Served, student: FeatureSchema, teacher: FeatureSchema) -> bool:
    """Whether the teacher may read of events that the student did not."""
    is_full = bool(served.user_side["history_outcome"][0, 0])
    return teacher.history_length > student.history_length and is_full


def before(record: UserRecord, at_ms: int) -> UserRecord:
    """Less the events that the request did not know of."""
    kept = record.times_ms < at_ms
    return record._replace(
        items=record.items[kept], times_ms=record.times_ms[kept], outcomes=record.outcomes[kept]
    )


def teacher_inputs(
    served: Served,
    rows: I64,
    state: UserRecord,
    student: FeatureSchema,
    teacher: FeatureSchema,
    items: View,
) -> Arrays:
    """Of these candidates; `state` is the user's as of the request, or a stranger's where the
    student's history is all of it. Both schemas follow one log schema."""
    log = teacher.log
    context = np.zeros(len(categorical(log.context)), np.uint64)
    unknown = np.full(len(numbers(log.context)), np.nan, np.float32)
    keys = keys64([served.item_ids[row] for row in rows])
    wanted = [Wanted(state, served.timestamp_ms, context, unknown, keys)]
    asked = requests_of(wanted, items, teacher.history_length)
    arrays = build(teacher, items.table, asked, candidates_of(wanted, items))
    for name in BY_USER:
        arrays[name] = served.user_side[name]
    for name in HISTORY:
        arrays[name] = _overlaid(arrays[name], served.user_side[name])
    arrays["item_categorical"] = served.candidate_side["item_categorical"][rows]
    rates = Prior.of(student.prior_rates), Prior.of(teacher.prior_rates)
    arrays["user_number"] = rebased(served.user_side["user_number"], *rates)
    arrays["item_number"] = rebased(served.candidate_side["item_number"][rows], *rates)
    return arrays


def rebased(values: F32, held: Prior, wanted: Prior) -> F32:
    """`[n, … + 1 + T]`: counters above another base rate; see models.features.counters."""
    tasks = len(held.odds)
    shown: F64 = np.expm1(values[:, -tasks - 1 : -tasks].astype(np.float64))
    odds = np.exp(values[:, -tasks:].astype(np.float64) + held.odds)
    positives = (odds * (shown + held.negatives) - held.positives) / (1.0 + odds)
    # More positives than impressions: then the negatives were held at 0.
    beyond = odds * held.negatives - held.positives
    positives = np.maximum(np.where(positives > shown, beyond, positives), 0.0)
    negatives = np.maximum(shown - positives, 0.0) + wanted.negatives
    new = values.copy()
    new[:, -tasks:] = np.log((positives + wanted.positives) / negatives) - wanted.odds
    return new


def _overlaid(longer: NDArray[Any], newest: NDArray[Any]) -> NDArray[Any]:
    """The newest events as they were served, `[1, L, …]`, the rest as it is."""
    length = min(longer.shape[1], newest.shape[1])
    longer[:, -length:] = newest[:, -length:]
    return longer
