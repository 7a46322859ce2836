"""Options of `understudy ship`."""

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[str, typer.Option(help="As `understudy import` takes it: served:FILE.yaml.")]
Out = Annotated[Path, typer.Option(help="Folder of all ships; the same every night.")]
RedisUrl = Annotated[
    str, typer.Option(envvar="UNDERSTUDY_REDIS_URL", help="Where gateways follow rollouts.")
]
Served = Annotated[
    Path | None, typer.Option(help="Serving folder that gateways were started with.")
]
Teacher = Annotated[
    Path | None,
    typer.Option(help="Run whose teacher is kept, and with it the space and its pages."),
]
ModelName = Annotated[str, typer.Option(help="Name of the model that is served.")]
Plan = Annotated[str, typer.Option(help="Of the rollout: TOML file, or `default`, or `direct`.")]
Least = Annotated[
    int, typer.Option(min=1, help="Labelled impressions since the last ship; of fewer, none.")
]
MostWorse = Annotated[
    float,
    typer.Option("--most-worse-log-loss", min=0.0, help="Share that log loss may rise by at most."),
]
Seed = Annotated[int, typer.Option(help="Same seed, same log: same models.")]
TrainOptions = Annotated[
    str, typer.Option(help="Of `understudy train`, as one text: '--epochs 3'.")
]
ExportOptions = Annotated[
    str, typer.Option(help="Of `understudy export`, as one text: '--value click=1'.")
]
Watches = Annotated[bool, typer.Option("--watch", help="Wait for the end of the rollout.")]
GiveUpH = Annotated[
    float, typer.Option(min=0.0, help="Age at which a stopped ship is not gone on with.")
]
Kept = Annotated[
    int, typer.Option("--keep", min=2, help="Ships whose logs and models stay on disk.")
]
Anew = Annotated[bool, typer.Option("--anew", help="Give up a stopped ship at once.")]
