"""Options that the backstage commands share."""

from pathlib import Path
from typing import Annotated

import typer

RedisUrl = Annotated[
    str,
    typer.Option(
        envvar="UNDERSTUDY_REDIS_URL",
        help="redis://…, rediss://…, unix://…, redis+cluster://… or redis+sentinel://… .",
    ),
]
ServingFolder = Annotated[
    Path,
    typer.Option("--from", help="Serving folder, as `understudy export` wrote it."),
]
MetricsPort = Annotated[
    int | None,
    typer.Option(envvar="UNDERSTUDY_METRICS_PORT", help="Serve Prometheus metrics here."),
]
