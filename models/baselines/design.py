"""A period of a log as a flat table, one row an impression, for models that read tables.

Everything comes from Examples.batch, so a row holds what was known strictly before its request.
Nothing here averages labels over rows, which is how a table leaks them; leave-one-out means do so
too, in reverse.

n impressions, F categorical columns, T tasks.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.baselines.columns import Columns, Reads
from models.baselines.match_counts import match_counts
from models.examples import Batch, Examples
from models.features.records import F32, I64
from models.predict import chunked
from models.schema import Column, LogSchema, numbers

Block = NDArray[Any]


class DesignImpossible(Exception):
    """No requests, or match counts over more events than there are at hand."""


@dataclass(frozen=True, slots=True)
class Design:
    columns: Columns
    categorical: I64  # [n, F] bucket numbers, 0 = missing
    side: F32  # [n, …] signed log1p, standardised by the log's schema; missing = 0
    counters: F32  # [n, 2 (1 + T) + 1] log1p impressions and log-odds above the prior, then a gap
    matches: Mapping[int, F32]  # by length [n, …] log1p counts, see match_counts
    labels: F32  # [n, T] −1 = unknown
    impression: I64  # [n] rows of the log

    def __len__(self) -> int:
        return len(self.impression)

    def numbers(self, reads: Reads) -> F32:
        """`[n, …]`, named by `self.columns.numbers(reads)`; raises DesignImpossible."""
        blocks = [self.side]
        if reads.counters:
            blocks.append(self.counters)
        if reads.match_length:
            blocks.append(self._matches(reads.match_length))
        return np.concatenate(blocks, axis=1)

    def label(self, task: int) -> F32:
        """`[n]` −1 = unknown; an array of its own, not a view."""
        return np.ascontiguousarray(self.labels[:, task])

    def known(self, task: int) -> "Design":
        """The rows whose label is known."""
        rows = np.flatnonzero(self.labels[:, task] >= 0)
        return Design(
            self.columns,
            self.categorical[rows],
            self.side[rows],
            self.counters[rows],
            {length: counts[rows] for length, counts in self.matches.items()},
            self.labels[rows],
            self.impression[rows],
        )

    def _matches(self, length: int) -> F32:
        if length not in self.matches:
            raise DesignImpossible(
                f"match_length {length} is none of the design's {sorted(self.matches)}: "
                "make the design with it among match_lengths"
            )
        return self.matches[length]


def design_of(examples: Examples, requests: I64, match_lengths: Sequence[int] = ()) -> Design:
    """The impressions of the requests in the log's order, with matches of those lengths.

    Raises DesignImpossible without requests or when a match length exceeds the examples' history.
    """
    _check(examples, requests, match_lengths)
    log = examples.schema.log
    batches = map(examples.batch, chunked(requests))
    parts = [tuple(_blocks(log, batch, match_lengths)) for batch in batches]
    whole = map(np.concatenate, zip(*parts, strict=True))
    keys, side, counters, labels, impression, *matches = whole
    by_length = dict(zip(match_lengths, matches, strict=True))
    return Design(Columns.of(log), keys, side, counters, by_length, labels, impression)


def _check(examples: Examples, requests: I64, match_lengths: Sequence[int]) -> None:
    if not len(requests):
        raise DesignImpossible("the period holds no requests: move the log's periods")
    longest, held = max(match_lengths, default=0), examples.schema.history_length
    if longest > held:
        raise DesignImpossible(
            f"match_length {longest} is more than the history_length {held} of the features: "
            f"make them with features_of(replay, {longest}, …)"
        )


def _blocks(log: LogSchema, batch: Batch, match_lengths: Sequence[int]) -> Iterator[Block]:
    arrays = batch.arrays
    asked = arrays["request_index"]
    user, user_rates = _split(arrays["user_number"][asked], log.user)
    context, gap = _split(arrays["context_number"][asked], log.context)
    item, item_rates = _split(arrays["item_number"], log.item)
    of_request = (arrays[f"{table}_categorical"][asked] for table in ("user", "context"))
    yield np.concatenate([*of_request, arrays["item_categorical"]], axis=1)
    yield np.concatenate([user, context, item], axis=1)
    yield np.concatenate([user_rates, item_rates, gap], axis=1)
    yield batch.labels
    yield batch.impression
    for length in match_lengths:
        yield match_counts(arrays, length, 1 + len(log.tasks))


def _split(beside: F32, table: tuple[Column, ...]) -> tuple[F32, F32]:
    """A table's own numbers, and what the features function wrote after them."""
    own = len(numbers(table))
    return beside[:, :own], beside[:, own:]
