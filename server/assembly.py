"""What the cache, the catalogue and the requests say → the model's input arrays."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

import numpy as np

from cache.arrays import Mask
from cache.keys import context_fold, pair_keys_under
from cache.page import Page
from cache.record import UserRecord, empty_record
from cache.sequence import Past, PastSequence, read
from cache.tiers import Lookup, Resolved, TtlPolicy, resolve
from models.features.build import ItemTable, build_ungrouped, group_side
from models.features.catalogue import Catalogue
from models.features.grouping import grouped_in_order
from models.features.records import (
    F64,
    I64,
    U64,
    Arrays,
    CacheAnswer,
    Candidates,
    Hints,
    Override,
    Requests,
    ZSequence,
)
from models.features.stacked import stacked
from models.schema import FeatureSchema, categorical, numbers
from server.candidates import CandidateColumns
from server.columns import Row
from server.item_rows import ItemRows
from server.summary import Summary, summaries

PER_CANDIDATE: Final = "N"


class Prepared(NamedTuple):
    """A request, decoded, with what the cache held of its user."""

    now_ms: int
    page: Page | None
    user: UserRecord | None
    context: Row
    columns: CandidateColumns


class Assembled(NamedTuple):
    """What one request needs besides the model's inputs; the arrays are views."""

    item_keys: U64  # [N]
    known: Mask  # [N] in the catalogue
    counters: F64  # [N, 1 + T]
    resolved: Resolved | None  # None for a model that reads no teacher
    summary: Summary


class Assembly(NamedTuple):
    """Requests assembled together: one after another in every array."""

    requests: list[Assembled]
    arrays: Arrays
    parts: list[slice]  # the candidates of each request
    by_candidate: Mapping[str, bool]

    def inputs(self, first: int, last: int) -> Arrays:
        """The model's input arrays of requests `first` to `last` - 1, as views."""
        rows = slice(first, last)
        part = slice(self.parts[first].start, self.parts[last - 1].stop)
        arrays = {
            name: array[part if self.by_candidate[name] else rows]
            for name, array in self.arrays.items()
        }
        if first:
            arrays["request_index"] = arrays["request_index"] - first
        sizes = [part.stop - part.start for part in self.parts[first:last]]
        return arrays | group_side(grouped_in_order(sizes))


class _Located(NamedTuple):
    """The candidates of all requests, one request after another."""

    sizes: list[int]  # by request
    parts: list[slice]  # by request
    owners: I64  # [N] into the requests
    keys: U64  # [N]
    rows: I64  # [N]


class Assembler:
    """Everything that does not change from request to request, built once.

    Several requests are assembled for little more than one: time goes by the number of array
    operations, not by their size.
    """

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
        self._by_candidate = {spec.name: spec.shape[0] == PER_CANDIDATE for spec in schema.inputs()}

    def assemble(self, requests: Sequence[Prepared]) -> Assembly:
        """The inputs of each are those of the request alone, to the last bit."""
        located = self._locate(requests)
        candidates = self._candidates(located, requests)
        resolved = self._resolve(located, requests)
        arrays = build_ungrouped(
            self._schema,
            self._items,
            self._requests(requests),
            candidates,
            resolved and self._answer(resolved, requests),
        )
        known = located.rows < len(self._catalogue)
        told = summaries(located.sizes, located.owners, known, resolved)
        assembled = [
            Assembled(
                located.keys[part],
                known[part],
                candidates.counters[part],
                resolved and resolved.part(part),
                summary,
            )
            for part, summary in zip(located.parts, told, strict=True)
        ]
        return Assembly(assembled, arrays, located.parts, self._by_candidate)

    def _locate(self, requests: Sequence[Prepared]) -> _Located:
        found = [self._rows.locate(request.columns.item_ids) for request in requests]
        sizes = [len(located.rows) for located in found]
        ends = list(accumulate(sizes))
        return _Located(
            sizes,
            [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)],
            np.arange(len(sizes)).repeat(sizes),
            np.concatenate([located.keys for located in found]),
            np.concatenate([located.rows for located in found]),
        )

    def _candidates(self, located: _Located, requests: Sequence[Prepared]) -> Candidates:
        return Candidates(
            request_index=located.owners,
            row=located.rows,
            counters=self._catalogue.counters.take(located.rows, axis=0),
            counters_at=self._catalogue.counters_at.take(located.rows),
            overrides=[
                Override(part.start + candidate, keys, values)
                for part, request in zip(located.parts, requests, strict=True)
                for candidate, keys, values in request.columns.overrides
            ],
        )

    def _resolve(self, located: _Located, requests: Sequence[Prepared]) -> Resolved | None:
        dim = self._schema.teacher_dim
        if not dim:
            return None
        folds = [context_fold(request.context.keys[0].tolist()) for request in requests]
        pairs = pair_keys_under(located.keys, np.array(folds, np.uint64).take(located.owners))
        lookups = [
            Lookup(request.page, pairs[part], request.now_ms)
            for part, request in zip(located.parts, requests, strict=True)
        ]
        tasks, reads_user = len(self._schema.log.tasks), "user" in self._schema.teacher_tiers
        return resolve(lookups, self._ttl, dim, tasks, reads_user=reads_user)

    def _answer(self, resolved: Resolved, requests: Sequence[Prepared]) -> CacheAnswer:
        hints = Hints(resolved.z, resolved.logit, resolved.tier, resolved.age_s)
        if not self._schema.reads_sequence:
            return CacheAnswer(hints, None)
        dim = self._schema.teacher_dim
        pasts = [
            Past(_sequence(request.page, dim), (request.user or self._stranger).times_ms)
            for request in requests
        ]
        return CacheAnswer(hints, ZSequence(*read(pasts, self._schema.history_length, dim)))

    def _requests(self, requests: Sequence[Prepared]) -> Requests:
        return stacked(
            [request.user or self._stranger for request in requests],
            [request.now_ms for request in requests],
            [request.context.keys[0] for request in requests],
            [request.context.numbers[0] for request in requests],
            self._catalogue,
            self._schema.history_length,
        )


def _sequence(page: Page | None, dim: int) -> PastSequence | None:
    """A page of another width than the model reads is no page."""
    return page.sequence if page is not None and page.dim == dim else None
