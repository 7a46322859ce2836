"""Which pairs of a user are worth computing before anybody asks."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, Protocol, get_args

import numpy as np
import polars as pl

from cache.arrays import F64, U64
from cache.record import UserRecord
from cache.refresh.backfill.candidates_file import ITEM
from cache.refresh.backfill.contexts import Context, key_of
from cache.refresh.backfill.users import USER
from models.features.catalogue_view import View
from models.features.hashing import keys64
from models.schema import LogSchema, categorical, numbers

PolicyName = Literal["popular", "recent", "candidates"]
NAMES: Final[tuple[PolicyName, ...]] = get_args(PolicyName)


class Asked(NamedTuple):
    """Pairs of one user in one context."""

    user_id: str
    context: Context
    item_keys: U64  # [K]


class Policy(Protocol):
    reads_records: bool

    def asked(
        self, rows: pl.DataFrame, records: Mapping[str, UserRecord | None]
    ) -> Iterator[Asked]:
        """Of a block's rows, in their order. `records` is empty unless the policy reads them."""
        ...


class Popular:
    """The same items for every user: see popular_items."""

    reads_records = False

    def __init__(self, item_keys: U64, contexts: Sequence[Context]) -> None:
        self._item_keys = item_keys
        self._contexts = contexts

    def asked(
        self, rows: pl.DataFrame, records: Mapping[str, UserRecord | None]
    ) -> Iterator[Asked]:
        for user_id in rows[USER]:
            for context in self._contexts:
                yield Asked(user_id, context, self._item_keys)


class Recent:
    """The items that the user met last, the newest first, each once."""

    reads_records = True

    def __init__(self, items_a_user: int, contexts: Sequence[Context]) -> None:
        self._items_a_user = items_a_user
        self._contexts = contexts

    def asked(
        self, rows: pl.DataFrame, records: Mapping[str, UserRecord | None]
    ) -> Iterator[Asked]:
        for user_id in rows[USER]:
            record = records.get(user_id)
            if record is not None and len(record.items):
                met = _newest(record.items, self._items_a_user)
                for context in self._contexts:
                    yield Asked(user_id, context, met)


class Candidates:
    """Exactly the pairs of a table, in the table's own contexts; where it lacks a context column,
    in each of `contexts`."""

    reads_records = False

    def __init__(
        self, schema: LogSchema, contexts: Sequence[Context], in_file: Sequence[str]
    ) -> None:
        self._keyed = [column.name for column in categorical(schema.context)]
        self._numeric = [column.name for column in numbers(schema.context)]
        self._contexts = contexts
        self._in_file = list(in_file)

    def asked(
        self, rows: pl.DataFrame, records: Mapping[str, UserRecord | None]
    ) -> Iterator[Asked]:
        groups = rows.group_by([USER, *self._in_file], maintain_order=True)
        for values, group in (
            groups.agg(pl.col(ITEM).unique(maintain_order=True))
            .select(pl.struct(USER, *self._in_file), ITEM)
            .iter_rows()
        ):
            item_keys = keys64(group)
            for context in self._contexts:
                yield Asked(values[USER], self._filled(context, values), item_keys)

    def _filled(self, context: Context, values: Mapping[str, Any]) -> Context:
        keys, numeric = context.keys.copy(), context.numbers.copy()
        for place, name in enumerate(self._keyed):
            if name in values:
                keys[place] = key_of(values[name])
        for place, name in enumerate(self._numeric):
            if name in values:
                numeric[place] = np.nan if values[name] is None else values[name]
        return Context(keys, numeric)


def popular_items(view: View, schema: LogSchema, at_ms: int, count: int) -> U64:
    """Those with the most impressions decayed to `at_ms`, of items that may be shown and were
    shown at all; of equals the one with the lower key."""
    keys = np.union1d(view.base.keys, view.delta.keys)
    rows = view.rows(keys)
    counters, counters_at = view.counted(rows)
    elapsed = np.maximum(at_ms - counters_at, 0)
    shown: F64 = counters[:, 0] * np.exp2(elapsed / -schema.counter_half_life_ms)
    is_worth = (shown > 0) & (counters_at > 0) & ~view.withdrawn(rows)
    keys, shown = keys[is_worth], shown[is_worth]
    chosen: U64 = keys[np.lexsort((keys, -shown))[:count]]
    return chosen


def _newest(items: U64, count: int) -> U64:
    """`items` oldest first."""
    newest_first = items[::-1]
    _, first = np.unique(newest_first, return_index=True)
    met: U64 = newest_first[np.sort(first)[:count]]
    return met
