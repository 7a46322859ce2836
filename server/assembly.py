"""What the cache, the catalogue and the requests say → the model's input arrays."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from cache.arrays import Mask
from cache.keys import context_fold, pair_keys_under
from cache.page import Page
from cache.record import UserRecord, empty_record
from cache.sequence import Past, PastSequence, read
from cache.tiers import Lookup, Resolved, TtlPolicy, resolve
from models.features.build import build_ungrouped, group_side
from models.features.catalogue_view import View
from models.features.grouping import grouped_in_order
from models.features.live_catalogue import LiveCatalogue
from models.features.records import (
    F64,
    I64,
    U64,
    Arrays,
    CacheAnswer,
    Candidates,
    Hints,
    Requests,
    ZSequence,
)
from models.features.stacked import stacked
from models.schema import FeatureSchema, Tier, categorical, numbers
from server.batch_items import BatchItems
from server.candidates import CandidateColumns
from server.columns import Row
from server.item_hints import ItemHints
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
    lent: Page | None = None  # entries of users like this one


class Assembled(NamedTuple):
    """What one request needs besides the model's inputs, of its N candidates that are not
    withdrawn; the arrays are views."""

    item_keys: U64  # [N]
    known: Mask  # [N] in the catalogue
    counters: F64  # [N, 1 + T]
    resolved: Resolved | None  # None for a model that reads no teacher
    summary: Summary
    kept: I64 | None = None  # positions among the candidates asked for; None when none was left out
    value_keys: U64 | None = None  # [N, F] of the catalogue, for a request with caps


class Assembly(NamedTuple):
    """Requests assembled together: one after another in every array."""

    requests: list[Assembled]
    arrays: Arrays
    parts: list[slice]  # the candidates of each request
    by_candidate: Mapping[str, bool]
    prepared: Sequence[Prepared]  # what they were made from

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


class Assembler:
    """Everything that does not change from request to request, built once.

    Several requests are assembled for little more than one: time goes by the number of array
    operations, not by their size.
    """

    def __init__(
        self,
        schema: FeatureSchema,
        catalogue: LiveCatalogue,
        ttl: TtlPolicy,
        *,
        tiers: Collection[Tier] | None = None,
        items: ItemHints | None = None,
    ) -> None:
        """`tiers` below the pair that are read; None for all that the student was trained with."""
        self._schema = schema
        tiers = schema.teacher_tiers if tiers is None else tiers
        self._reads_user, self._reads_neighbours = "user" in tiers, "neighbour" in tiers
        self._items_lent = items
        self._catalogue = catalogue
        self._rows = ItemRows(catalogue.view.base)
        self._ttl = ttl
        log = schema.log
        self._stranger = empty_record(
            len(categorical(log.user)), len(numbers(log.user)), len(log.tasks), log.fingerprint()
        )
        self._by_candidate = {spec.name: spec.shape[0] == PER_CANDIDATE for spec in schema.inputs()}

    def assemble(self, requests: Sequence[Prepared]) -> Assembly:
        """The inputs of each are those of the request alone, to the last bit."""
        # One view for all: the catalogue may change meanwhile, and its rows with it.
        view = self._catalogue.view
        items = self._items(requests, view)
        candidates = Candidates(
            items.owners,
            items.rows,
            *view.counted(items.rows),
            items.overrides([request.columns for request in requests]),
        )
        resolved = self._resolve(items, requests, view)
        arrays = build_ungrouped(
            self._schema,
            view.table,
            self._requests(requests, view),
            candidates,
            resolved and self._answer(resolved, requests),
        )
        known = items.rows != view.unknown
        assembled = _assembled(items, known, candidates.counters, resolved)
        for place, request in enumerate(requests):
            if request.columns.has_caps:
                value_keys = view.value_keys(items.rows[items.parts[place]])
                assembled[place] = assembled[place]._replace(value_keys=value_keys)
        return Assembly(assembled, arrays, items.parts, self._by_candidate, requests)

    def _items(self, requests: Sequence[Prepared], view: View) -> BatchItems:
        """What was withdrawn is left out here, before anything is spent on it."""
        found = [self._rows.locate(request.columns.item_ids, view) for request in requests]
        items = BatchItems.of(found)
        return items.without(view.withdrawn(items.rows)) if view.has_withdrawn else items

    def _resolve(
        self, items: BatchItems, requests: Sequence[Prepared], view: View
    ) -> Resolved | None:
        dim = self._schema.teacher_dim
        if not dim:
            return None
        folds = [context_fold(request.context.keys[0].tolist()) for request in requests]
        pairs = pair_keys_under(items.keys, np.array(folds, np.uint64).take(items.owners))
        lookups = [
            Lookup(request.page, pairs[part], request.now_ms, request.lent)
            for part, request in zip(items.parts, requests, strict=True)
        ]
        hints = self._items_lent
        return resolve(
            lookups,
            self._ttl,
            dim,
            len(self._schema.log.tasks),
            reads_user=self._reads_user,
            reads_neighbours=self._reads_neighbours,
            items=None if hints is None else hints.of(items.keys, items.rows, view),
        )

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

    def _requests(self, requests: Sequence[Prepared], view: View) -> Requests:
        return stacked(
            [request.user or self._stranger for request in requests],
            [request.now_ms for request in requests],
            [request.context.keys[0] for request in requests],
            [request.context.numbers[0] for request in requests],
            view,
            self._schema.history_length,
        )


def _assembled(
    items: BatchItems, known: Mask, counters: F64, resolved: Resolved | None
) -> list[Assembled]:
    told = summaries(items.sizes, items.owners, known, resolved)
    return [
        Assembled(
            items.keys[part],
            known[part],
            counters[part],
            resolved and resolved.part(part),
            summary,
            kept,
        )
        for part, summary, kept in zip(items.parts, told, items.kept(), strict=True)
    ]


def _sequence(page: Page | None, dim: int) -> PastSequence | None:
    """A page of another width than the model reads is no page."""
    return page.sequence if page is not None and page.dim == dim else None
