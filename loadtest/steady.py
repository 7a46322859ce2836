"""A steady open-loop load on a gateway that runs already, held against a budget.

python -m loadtest.steady --url http://HOST:PORT --replay SERVING/replay.jsonl --p99-ms 100
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from loadtest.connection import encode
from loadtest.errors import ReplayInvalid
from loadtest.open_loop import Outcome, poisson_arrivals, send_all
from loadtest.pool import Pool
from loadtest.replay_log import read_replay

READ: Final = 2000
CONNECTIONS: Final = 64
FEWEST: Final = 1000
"""Of fewer requests no p99 is claimed: ten of them decide it."""
LEAST_ACHIEVED: Final = 0.95
"""As `understudy bench` has it: below, the load that was asked for never arrived."""
SEED: Final = 7


def broken(outcome: Outcome, p99_ms: float, most_failed: float) -> list[str]:
    """The lines of the budget that do not hold; none when all do."""
    failed = outcome.failed / outcome.requests
    reached = outcome.achieved_rate / (outcome.intended_rate * (1 - failed)) if failed < 1 else 0.0
    lines = {
        f"p99 {outcome.p99_ms:.1f} ms is above {p99_ms:g} ms": outcome.p99_ms > p99_ms,
        f"{failed:.2%} failed, more than {most_failed:.2%}": failed > most_failed,
        f"answers came at {reached:.1%} of the intended rate": reached < LEAST_ACHIEVED,
    }
    return [line for line, is_broken in lines.items() if is_broken]


def bodies(replay: Path, key: str | None) -> list[bytes]:
    """Whole requests, as of now: a gateway takes past times only when replaying."""
    headers: Mapping[str, str] = {} if key is None else {"authorization": f"Bearer {key}"}
    logged = read_replay(replay, READ)
    if not logged:
        raise ReplayInvalid(f"{replay} holds no request: give the folder of `understudy export`")
    plain = [{k: v for k, v in each.body.items() if k != "timestamp_ms"} for each in logged]
    return [encode("POST", "/v1/rank", json.dumps(body).encode(), headers) for body in plain]


async def drive(url: str, requests: Sequence[bytes], rate_per_s: float, seconds: float) -> Outcome:
    async with Pool(url, CONNECTIONS) as pool:
        return await send_all(pool, requests, poisson_arrivals(rate_per_s, seconds, SEED))


def steady(
    url: Annotated[str, typer.Option(help="Of the gateway, plain HTTP.")],
    replay: Annotated[Path, typer.Option(help="replay.jsonl of a serving folder.")],
    rate_per_s: Annotated[
        float, typer.Option(min=0.1, help="Requests, by a Poisson process.")
    ] = 50,
    seconds: Annotated[float, typer.Option(min=1)] = 60,
    p99_ms: Annotated[float, typer.Option(min=0.1, help="From when a request was due.")] = 100,
    most_failed: Annotated[float, typer.Option(min=0, max=1, help="Share of them.")] = 0,
    key_file: Annotated[Path | None, typer.Option(help="Holds a key that may rank.")] = None,
) -> None:
    """Send a steady load; ends with 1 and the line that broke when the budget does not hold."""
    if rate_per_s * seconds < FEWEST:
        raise typer.BadParameter(
            f"{rate_per_s:g} requests a second for {seconds:g} s are fewer than {FEWEST}: no p99 "
            "can be told from them; ask for more of either"
        )
    key = None if key_file is None else key_file.read_text().strip()
    outcome = asyncio.run(drive(url, bodies(replay, key), rate_per_s, seconds))
    lines = broken(outcome, p99_ms, most_failed)
    typer.echo(json.dumps({**outcome._asdict(), "broken": lines}))
    if lines:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(steady)
