"""`understudy ship`: log → student → rollout, as one command for a nightly job."""

import shlex
from collections.abc import Callable
from typing import Final

import typer
from rich.console import Console

from cache.clock import wall_clock_ms
from export.registry.options import RegistryUrlIfAny
from export.ship import options as given
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
    data: given.Data,
    out: given.Out,
    redis_url: given.RedisUrl,
    served: given.Served = None,
    teacher: given.Teacher = None,
    model: given.ModelName = "student",
    plan: given.Plan = "default",
    least: given.Least = 1000,
    most_worse: given.MostWorse = 0.01,
    seed: given.Seed = 0,
    train_options: given.TrainOptions = "",
    export_options: given.ExportOptions = "",
    registry: RegistryUrlIfAny = None,
    watches: given.Watches = False,
    give_up_h: given.GiveUpH = 20.0,
    kept: given.Kept = 7,
    anew: given.Anew = False,
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
