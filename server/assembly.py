"""What the cache, the catalogue and the request say → the model's input arrays."""

from typing import NamedTuple

import numpy as np

from cache.arrays import Mask
from cache.keys import pair_keys
from cache.page import Page
from cache.record import UserRecord, empty_record
from cache.tiers import Resolved, TtlPolicy, resolve
from models.features.build import Arrays, ItemTable, build
from models.features.catalogue import Catalogue
from models.features.records import (
    F64,
    I64,
    U64,
    Candidates,
    Hints,
    History,
    Requests,
    UserState,
)
from models.schema import FeatureSchema, categorical, numbers
from server.candidates import CandidateColumns
from server.columns import Row
from server.item_rows import ItemRows


class Assembled(NamedTuple):
    arrays: Arrays
    item_keys: U64  # [N]
    known: Mask  # [N] in the catalogue
    counters: F64  # [N, 1 + T]
    resolved: Resolved | None  # None for a model that reads no teacher


class Assembler:
    """Everything that does not change from request to request, built once."""

    def __init__(self, schema: FeatureSchema, catalogue: Catalogue, ttl: TtlPolicy) -> None:
        self._schema = schema
        self._catalogue = catalogue
        self._rows = ItemRows(catalogue)
        self._items = ItemTable.of(schema, catalogue)
        self._ttl = ttl
        log = schema.log
        self._stranger = empty_record(
            len(categorical(log.user)), len(numbers(log.user)), len(log.tasks), log.fingerprint()
        )

    def assemble(
        self,
        now_ms: int,
        page: Page | None,
        user: UserRecord | None,
        context: Row,
        columns: CandidateColumns,
    ) -> Assembled:
        keys, rows = self._rows.locate(columns.item_ids)
        candidates = self._candidates(rows, columns)
        resolved = self._resolve(page, keys, context, now_ms)
        arrays = build(
            self._schema,
            self._items,
            self._request(now_ms, user or self._stranger, context),
            candidates,
            resolved and Hints(resolved.z, resolved.logit, resolved.tier, resolved.age_s),
        )
        known = candidates.row < len(self._catalogue)
        return Assembled(arrays, keys, known, candidates.counters, resolved)

    def _candidates(self, rows: I64, columns: CandidateColumns) -> Candidates:
        return Candidates(
            request_index=np.zeros(len(rows), np.int64),
            row=rows,
            counters=self._catalogue.counters.take(rows, axis=0),
            counters_at=self._catalogue.counters_at.take(rows),
            overrides=columns.overrides,
        )

    def _resolve(self, page: Page | None, keys: U64, context: Row, now_ms: int) -> Resolved | None:
        dim = self._schema.teacher_dim
        if not dim:
            return None
        pairs = pair_keys(keys, context.keys[0])
        return resolve(page, pairs, now_ms, self._ttl, dim, len(self._schema.log.tasks))

    def _request(self, now_ms: int, user: UserState, context: Row) -> Requests:
        length = self._schema.history_length
        return Requests(
            now_ms=np.array([now_ms], np.int64),
            user=user.columns[None],
            user_number=user.numbers[None],
            counters=user.counters[None],
            counters_at=np.array([user.counters_at], np.int64),
            context=context.keys,
            context_number=context.numbers,
            history=History(
                row=self._catalogue.rows(user.items[-length:])[None],
                time_ms=user.times_ms[-length:][None],
                outcome=user.outcomes[-length:][None],
            ),
        )
