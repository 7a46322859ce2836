"""Options of the command line as a load."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from loadtest.errors import LoadInvalid
from loadtest.run.arrivals import F64, arrivals, logged_arrivals
from loadtest.run.engine import CONNECTIONS, Load
from loadtest.run.payloads import SEEDED, Source, bodies, encoded, source_of
from loadtest.run.scenario import Scenario, find_scenario

LOG: Final = "log"
POISSON: Final = "poisson"
CLOSED_REQUESTS: Final = 20_000


class Options(NamedTuple):
    scenario: str = "steady"
    rate: float = 50.0
    seconds: float | None = None
    requests: str = SEEDED
    arrivals: str = POISSON
    closed: int = 0  # callers; 0 is the open loop
    wire: str = "json"
    key_file: Path | None = None
    seed: int = 7
    connections: int = CONNECTIONS

    @property
    def key(self) -> str | None:
        return None if self.key_file is None else self.key_file.read_text().strip()

    def facts(self, scenario: Scenario) -> dict[str, Any]:
        """For the report."""
        return {
            "scenario": scenario.model_dump(mode="json", by_alias=True),
            "loop": f"closed, {self.closed} callers" if self.closed else f"open, {self.arrivals}",
            "asked_rate": None if self.closed else self.rate,
            "seconds": self.seconds or scenario.seconds,
            "requests_from": self.requests,
            "wire": self.wire,
            "seed": self.seed,
        }


def plan(options: Options, ready: tuple[Source, Sequence[bytes]] | None = None) -> Load:
    """`ready`: of an earlier plan, whose requests are sent again at another rate. Raises
    LoadTestError."""
    scenario = find_scenario(options.scenario)
    seconds = options.seconds or scenario.seconds
    source, requests = ready or prepared(options, scenario, seconds)
    due_s = None if options.closed else _due(options, scenario, source, seconds)
    return Load(
        scenario, requests, options.rate, seconds, due_s, options.closed, options.connections
    )


def prepared(
    options: Options, scenario: Scenario, seconds: float
) -> tuple[Source, Sequence[bytes]]:
    source = source_of(options.requests)
    if not source.items:
        raise LoadInvalid(f"{options.requests} names no items: give another log")
    count = CLOSED_REQUESTS if options.closed else _count(options, scenario, source, seconds)
    chosen = bodies(source, scenario.payload, count, options.seed)
    return source, encoded(chosen, options.wire, options.key)


def _count(options: Options, scenario: Scenario, source: Source, seconds: float) -> int:
    return len(_due(options, scenario, source, seconds))


def _due(options: Options, scenario: Scenario, source: Source, seconds: float) -> F64:
    if options.arrivals == POISSON:
        return arrivals(scenario.profile, options.rate, seconds, options.seed)
    if options.arrivals != LOG or not source.times_ms:
        raise LoadInvalid(
            f"--arrivals {options.arrivals}: {POISSON}, or {LOG} with --requests replay.jsonl"
        )
    if scenario.payload is not None:
        raise LoadInvalid(f"{scenario.name} seeds its requests: --arrivals {POISSON}")
    return logged_arrivals(source.times_ms, options.rate, seconds)
