"""The series of `understudy refresh`."""

from collections.abc import Mapping
from typing import Final

from cache.account import RECOMPUTED, Outcome
from cache.refresh.series.kind import Series, counter, gauge

OUTCOMES: Final = tuple(outcome.value for outcome in Outcome)

_WORK: Final[Mapping[str, Series]] = {
    "messages": counter(
        "messages",
        "Messages of demand by what this process made of them",
        "done is its work; left and gone are other workers' or trimmed; postponed counts tries "
        "while Redis or Triton was away; dead ones are in us:stream:dead with their error",
        ("done", "left", "gone", "postponed", "dead"),
    ),
    "pairs": counter(
        "pairs",
        "Demanded pairs by what this process made of them, and past impressions it spoke of",
        "what one worker does; for what became of all demand take the account",
        (*OUTCOMES, RECOMPUTED, "past"),
    ),
    "pages": counter(
        "pages",
        "Writes of pages by what became of them",
        "many conflicts: several workers write the same users; fenced: this worker was frozen and "
        "another has its shard",
        ("written", "conflict", "fenced"),
    ),
    "page_entries": counter(
        "entries",
        "Entries that were alive and found no room in their page",
        "as many as pairs are computed: users have more candidates than --page-entries, and the "
        "same pairs are judged at every request; raise it",
        ("dropped",),
    ),
    "seconds": counter(
        "seconds",
        "Time that the teacher's runs took",
        "its rate is the share of a core, or of a GPU, that the teacher keeps busy; near 1: add "
        "refreshers",
        ("teacher",),
    ),
    "runs": counter(
        "runs",
        "Runs of the teacher",
        "seconds ÷ runs is the time of a run, which --batch-ms aims at",
        ("teacher",),
    ),
    "lease_changes": counter(
        "leases",
        "Leases of shards by what became of them",
        "lost ones without a restart: the worker is too slow to renew them, or Redis was away",
        ("taken", "released", "lost"),
    ),
    "items": counter(
        "items",
        "Sums of what the teacher said of items, by what became of them",
        "lost ones make the item tier staler and nothing worse",
        ("written", "lost"),
    ),
    "item_entries": counter(
        "entries",
        "Entries left out of the sums of items",
        "more than is held between two writes: the item tier is of a sample then",
        ("refused",),
    ),
}

_SPACE: Final[Mapping[str, Series]] = {
    "backlog": gauge(
        "messages",
        "Messages of demand that wait in the whole space",
        "the same from every worker: take the maximum. Growing: add refreshers",
    ),
    "shard_backlog": gauge(
        "messages",
        "Messages of demand that wait in a shard",
        "one shard alone: its worker hangs, or its users are most of the traffic",
        {"shard": ()},
    ),
    "account_pairs": gauge(
        "pairs",
        "Account of the space: what became of every demanded pair since it was begun",
        "the same from every worker: take the maximum. trimmed and expired: too few refreshers; "
        "not_finite, fenced, dead: a fault",
        {"outcome": ("demanded", RECOMPUTED, *OUTCOMES)},
    ),
    "unsettled_pairs": gauge(
        "pairs",
        "Demanded pairs that have no outcome yet",
        "above 0 while the backlog stays 0 would be a loss: nothing should ever show it",
    ),
    "workers": gauge(
        "workers",
        "Living refreshers of the space",
        "the same from every worker; scale by the backlog, not by this",
    ),
    "leases": gauge("shards", "Shards that this worker holds", "all workers' add up to the shards"),
    "pairs_in_hand": gauge(
        "pairs", "Pairs that this worker has read and not settled", "bounded by --max-pairs"
    ),
    "batch_pairs": gauge(
        "pairs",
        "Size of a batch at the moment",
        "follows the teacher's speed; 1: a run takes longer than --batch-ms allows",
    ),
}

_SPECULATION: Final[Mapping[str, Series]] = {
    "speculation": counter(
        "pairs",
        "Pairs of speculation by what became of them; with --policy alone",
        "read ÷ computed is what it is worth; wasted ones were computed and never read",
        ("selected", "computed", "asked", "foreseen", "read", "wasted", "late", "untold"),
        is_always=False,
    ),
    "speculation_dropped": counter(
        "pairs",
        "Pairs that were selected and not computed, by reason; with --policy alone",
        "overflow: the policy wishes for more than --speculate-pairs-per-s allows",
        ("overflow", "fresh", "left", "unavailable", "failed", "no_record", "conflict",
         "forgotten"),
        is_always=False,
    ),
    "speculation_waiting_pairs": gauge(
        "pairs", "Selected pairs that wait for their turn", "always many: raise the rate"
    ),
    "speculation_useful_ratio": gauge(
        "share", "Speculated pairs that were read", "low: another policy, or a lower rate"
    ),
    "speculation_recall": gauge(
        "share", "Candidates asked for that had been selected before", "what a higher rate can win"
    ),
}  # fmt: skip

REFRESH: Final[Mapping[str, Series]] = {**_WORK, **_SPACE, **_SPECULATION}
