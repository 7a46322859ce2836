"""`understudy ship`: log → student → rollout, as one command for a nightly job."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from cache.clock import wall_clock_ms
from export.registry.options import RegistryUrlIfAny
from export.ship.commands import Processes
from export.ship.errors import NothingNew, Refused, ShipError
from export.ship.order import Making, Order
from export.ship.rollouts import Rollouts
from export.ship.shipping import Shipping
from export.ship.ships import Result, Ships, alone_in
from export.ship.steps import Say

CODES: Final[dict[Result, int]] = {"started": 0, "done": 0, "rolled_back": 1}
FAILED: Final = 2
NOTHING_NEW: Final = 3
INTERRUPTED: Final = 130
OWN: Final = ("cache", "export", "models")
"""Trees whose errors name the thing, the value and the remedy: no traceback."""


def ship(
    data: Annotated[str, typer.Option(help="As `understudy import` takes it: served:FILE.yaml.")],
    out: Annotated[Path, typer.Option(help="Folder of all ships; the same every night.")],
    redis_url: Annotated[
        str, typer.Option(envvar="UNDERSTUDY_REDIS_URL", help="Where gateways follow rollouts.")
    ],
    served: Annotated[
        Path | None, typer.Option(help="Serving folder that gateways were started with.")
    ] = None,
    teacher: Annotated[
        Path | None,
        typer.Option(help="Run whose teacher is kept, and with it the space and its pages."),
    ] = None,
    model: Annotated[str, typer.Option(help="Name of the model that is served.")] = "student",
    plan: Annotated[
        str, typer.Option(help="Of the rollout: TOML file, or `default`, or `direct`.")
    ] = "default",
    least: Annotated[
        int, typer.Option(min=1, help="Labelled impressions since the last ship; of fewer, none.")
    ] = 1000,
    most_worse: Annotated[
        float,
        typer.Option(
            "--most-worse-log-loss", min=0.0, help="Share that log loss may rise by at most."
        ),
    ] = 0.01,
    seed: Annotated[int, typer.Option(help="Same seed, same log: same models.")] = 0,
    train_options: Annotated[
        str, typer.Option(help="Of `understudy train`, as one text: '--epochs 3'.")
    ] = "",
    export_options: Annotated[
        str, typer.Option(help="Of `understudy export`, as one text: '--value click=1'.")
    ] = "",
    registry: RegistryUrlIfAny = None,
    watches: Annotated[
        bool, typer.Option("--watch", help="Wait for the end of the rollout.")
    ] = False,
    give_up_h: Annotated[
        float, typer.Option(min=0.0, help="Age at which a stopped ship is not gone on with.")
    ] = 20.0,
    kept: Annotated[
        int, typer.Option("--keep", min=2, help="Ships whose logs and models stay on disk.")
    ] = 7,
    anew: Annotated[bool, typer.Option("--anew", help="Give up a stopped ship at once.")] = False,
) -> None:
    """Train a student on the newest served log, and roll it out if it is not worse.

    Stopped or killed, it goes on when it is run again. Exit code 0: shipped; 1: rolled back; 2:
    refused or failed before its rollout, or its end is not known; 3: too little is new.
    """
    console = Console(stderr=True, highlight=False)

    def say(line: str) -> None:
        console.print(line, markup=False, soft_wrap=True)

    def shipped() -> Result:
        making = Making(
            data=data,
            teacher=teacher,
            seed=seed,
            train_options=_words("--train-options", train_options),
            export_options=_words("--export-options", export_options),
        )
        order = Order(making, served, least, most_worse, plan, registry is not None, watches, kept)
        environment = {} if registry is None else {"UNDERSTUDY_REGISTRY": registry}
        with alone_in(out) as lock:
            commands = Processes(lock, environment)
            rollouts = Rollouts(commands, redis_url, model)
            shipping = Shipping(order, Ships(out.resolve()), commands, rollouts, say)
            return shipping.ship(wall_clock_ms(), 0.0 if anew else give_up_h)

    raise typer.Exit(_code(shipped, console, say))


def _words(option: str, text: str) -> tuple[str, ...]:
    """Raises Refused."""
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise Refused(
            f'{option} is "{text}", which is no list of words: {error}: quote as in a shell'
        ) from error


def _code(shipped: Callable[[], Result], console: Console, say: Say) -> int:
    """None but that of a rollback is 1, whatever goes wrong."""
    try:
        result = shipped()
    except ShipError as error:
        say(str(error))
        return NOTHING_NEW if isinstance(error, NothingNew) else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in OWN:
            console.print_exception()
        say(f"{type(error).__name__}: {error}")
        return FAILED
    say(f"ship: {result}")
    return CODES[result]
