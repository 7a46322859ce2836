"""Options of `understudy refresh`, and of whoever writes pages beside it."""

from typing import Annotated, Literal

import typer

from cache.demand import MAX_PAIRS
from cache.demand_keys import MAX_SHARDS, SHARDS
from cache.page import MAX_ENTRIES
from cache.quantise import Precision
from cache.refresh.pages import PageRules, SequencePolicy
from cache.refresh.roster import MAX_TTL_MS
from cache.sequence import MAX_SEQUENCE
from cache.tiers import TtlPolicy
from models.providers.execution import Provider

SoftTtlS = Annotated[float, typer.Option(envvar="UNDERSTUDY_SOFT_TTL_S", help="Fresh until then.")]
HardTtlS = Annotated[float, typer.Option(envvar="UNDERSTUDY_HARD_TTL_S", help="Of use until then.")]
ZPrecision = Annotated[Literal["fp16", "int8", "int4"], typer.Option(help="Of z in pages.")]
SequenceLength = Annotated[
    int, typer.Option("--sequence-length", min=0, max=MAX_SEQUENCE, help="Of a user's past.")
]
RetentionS = Annotated[
    float, typer.Option("--sequence-retention-s", min=1, help="Of a page and its sequence.")
]
PageEntries = Annotated[
    int,
    typer.Option(
        envvar="UNDERSTUDY_PAGE_ENTRIES",
        min=1,
        max=MAX_ENTRIES,
        help="Kept a user; fewer than he has candidates, and the rest is judged again and again.",
    ),
]
CandidateLimit = Annotated[int, typer.Option(min=1, help="Judged at once.")]
BatchMs = Annotated[
    float, typer.Option(min=1, help="What a run of the teacher may take; sizes the batches.")
]
MaxPairs = Annotated[
    int, typer.Option(min=MAX_PAIRS, help="Held in memory; what is more waits in the stream.")
]
Shards = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=MAX_SHARDS,
        help=f"Of the space's demand; the first to come decides.  [default: {SHARDS}]",
    ),
]
LeaseMs = Annotated[
    int,
    typer.Option(
        min=100, max=MAX_TTL_MS, help="A worker silent for so long is replaced by the others."
    ),
]
ItemTier = Annotated[
    bool | None,
    typer.Option(
        "--item-tier/--no-item-tier",
        help="Sum what is said of items.  [default: as the folder's student reads it]",
    ),
]
Threads = Annotated[int, typer.Option(min=1, help="Of the teacher's session.")]
ProviderOption = Annotated[
    Provider, typer.Option(envvar="UNDERSTUDY_PROVIDER", help="Runs the teacher in this process.")
]
ProviderFallback = Annotated[
    bool,
    typer.Option(
        envvar="UNDERSTUDY_PROVIDER_FALLBACK", help="Let the CPU run it where that cannot."
    ),
]
TritonUrl = Annotated[
    str | None,
    typer.Option(
        help="triton://host:port/model/version or triton+http://…, where the teacher runs; model "
        "and version may be left out."
    ),
]
TritonTimeoutS = Annotated[float, typer.Option(min=0.01, help="Longest run of it there.")]


def page_rules(
    soft_ttl_s: float,
    hard_ttl_s: float,
    precision: str,
    entries: int,
    length: int,
    retention_s: float,
) -> PageRules:
    """Of the values of these options."""
    ttl, sequence = TtlPolicy(soft_ttl_s, hard_ttl_s), SequencePolicy(length, retention_s)
    return PageRules(ttl, Precision[precision.upper()], entries, sequence)
