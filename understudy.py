"""The command line. One table; a command's module is imported only when that command runs."""

import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import typer

FOLDERS: Final = ("server", "models", "export", "cache", "loadtest", "understudy_client")


class Command(NamedTuple):
    module: str
    function: str
    summary: str
    extra: str


COMMANDS: Final = {
    "demo": Command(
        "loadtest.demo.command", "demo", "Make data, train, serve, replay and report.", "dev"
    ),
    "up": Command("server.up", "up", "Run Valkey, gateway, refresher and ingest here.", "serve"),
    "serve": Command("server.serve_command", "serve", "Run the gateway.", "serve"),
    "refresh": Command(
        "cache.refresh.refresh_command", "refresh", "Run the teacher behind the cache.", "refresh"
    ),
    "backfill": Command(
        "cache.refresh.backfill_command", "backfill", "Fill the cache in bulk.", "backfill"
    ),
    "ingest": Command(
        "cache.refresh.ingest_command", "ingest", "Fold events into users and items.", "serve"
    ),
    "archive": Command(
        "cache.refresh.archive_command", "archive", "Keep served requests as Parquet.", "archive"
    ),
    "worth": Command(
        "cache.refresh.worth_command", "worth", "Measure what hints are worth, live.", "refresh"
    ),
    "neighbours": Command(
        "cache.refresh.neighbour_command", "neighbours", "Lend hints among users alike.", "tiers"
    ),
    "cache": Command(
        "cache.operator.operator_command", "operate", "Look into the cache, drop a space.", "serve"
    ),
    "size": Command(
        "cache.sizing.size_command", "size", "Reckon memory, bandwidth and teacher.", "serve"
    ),
    "rollout": Command(
        "server.rollout.command", "app", "Try a new student on live traffic, and back.", "serve"
    ),
    "items": Command(
        "cache.refresh.items_command", "items", "Fold changed items into a catalogue.", "serve"
    ),
    "import": Command(
        "models.data.import_command", "import_log", "Turn a data set into a log.", "train"
    ),
    "train": Command(
        "models.train_command", "train", "Train teacher and students, or go on with it.", "train"
    ),
    "annotate": Command(
        "models.annotation.command", "annotate", "Let one teacher speak to many students.", "train"
    ),
    "evaluate": Command(
        "models.evaluate_command", "evaluate", "Measure a run on its test window.", "train"
    ),
    "simulate": Command(
        "models.simulate_command", "simulate", "Choose what the teacher computes next.", "train"
    ),
    "export": Command(
        "export.export_command", "export", "Turn a run into a serving folder.", "export"
    ),
    "ship": Command(
        "export.ship.ship_command", "ship", "Train, export and roll out, every night.", "export"
    ),
    "bundle": Command(
        "export.bundle_command", "bundle", "Verify, share, compare and sign bundles.", "export"
    ),
    "triton": Command(
        "export.triton.triton_command", "triton", "Write a bundle for Triton to serve.", "triton"
    ),
    "loadtest": Command(
        "loadtest.command", "app", "Load a gateway, hold it against a budget.", "loadtest"
    ),
    "rank": Command("loadtest.rank_command", "rank", "Ask a gateway for a slate.", "loadtest"),
    "key": Command("server.access.key_command", "key", "Make a key for ranking.", "serve"),
    "slow": Command(
        "server.slow.slow_command", "slow", "Show a gateway's slowest requests.", "serve"
    ),
    "doctor": Command(
        "server.doctor.doctor_command", "doctor", "Check a deployment, say what to mend.", "serve"
    ),
    "settings": Command(
        "server.settings_command", "settings", "Print every setting of the gateway.", "serve"
    ),
    "bench": Command(
        "loadtest.bench.command", "bench", "Compare a gateway worker with its raw model.", "dev"
    ),
}


def build(arguments: Sequence[str]) -> typer.Typer:
    """The application with every command listed and only the named one imported."""
    named = next((word for word in arguments if not word.startswith("-")), None)
    app = typer.Typer(
        no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False
    )
    app.callback()(_root)
    for name, command in COMMANDS.items():
        function = _load(name, command) if name == named else _placeholder
        if isinstance(function, typer.Typer):
            app.add_typer(function, name=name, short_help=command.summary)
        else:
            app.command(name, short_help=command.summary)(function)
    return app


def _root() -> None:
    """Online ad ranking: a small student answers, a big teacher whispers through a cache."""


def _placeholder() -> None:
    """Stands in the listing for a command that this invocation does not run."""


def _load(name: str, command: Command) -> Callable[..., Any]:
    try:
        module = importlib.import_module(command.module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in FOLDERS:
            raise
        raise SystemExit(
            f"understudy {name} needs {error.name}, which is not installed here: "
            f"pip install 'understudy[{command.extra}]'"
        ) from error
    function: Callable[..., Any] = getattr(module, command.function)
    return function


def main() -> None:
    try:
        build(sys.argv[1:])(prog_name="understudy")
    except Exception as error:
        # The errors of our own trees name the thing, the value and the remedy: no traceback.
        if type(error).__module__.partition(".")[0] not in FOLDERS:
            raise
        raise SystemExit(f"{type(error).__name__}: {error}") from error


if __name__ == "__main__":
    main()
