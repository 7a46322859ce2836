"""Options of `understudy backfill` that `understudy refresh` does not have."""

from pathlib import Path
from typing import Annotated

import typer

from cache.page import MAX_ENTRIES
from cache.refresh.backfill.policies import NAMES

Bundle = Annotated[Path, typer.Option("--teacher", help="Folder of the teacher's bundle.")]
CatalogueFile = Annotated[Path, typer.Option("--catalogue", help="catalogue.safetensors.")]
Users = Annotated[
    str | None,
    typer.Option(help="File with a user id a line, or all: everybody with a record."),
]
PolicyOption = Annotated[str, typer.Option("--policy", help=f"Which pairs: {', '.join(NAMES)}.")]
ItemsAUser = Annotated[
    int, typer.Option("--items-a-user", min=1, max=MAX_ENTRIES, help="At most, in each context.")
]
CandidatesFile = Annotated[
    Path | None,
    typer.Option("--candidates", help="Parquet or CSV: user_id, item_id, context columns."),
]
ContextValues = Annotated[
    list[str] | None,
    typer.Option("--context", help="NAME=VALUE of a context column; several times for several."),
]
AsOfMs = Annotated[
    int | None,
    typer.Option("--as-of-ms", min=1, help="When pairs count as computed.  [default: now]"),
]
Recompute = Annotated[
    bool, typer.Option("--recompute", help="Also pairs that are fresh (within the soft TTL).")
]
ProgressOption = Annotated[
    Path | None,
    typer.Option("--progress", help="Folder by which the same command goes on after a kill."),
]
Workers = Annotated[int, typer.Option("--workers", min=1, help="Processes, one core each.")]
BlockPairs = Annotated[
    int, typer.Option("--block-pairs", min=1, help="About; a kill costs a block a worker.")
]
RayAddress = Annotated[
    str | None,
    typer.Option("--ray-address", help="Of a Ray cluster.  [default: Ray on this machine alone]"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the summary for machines.")]
