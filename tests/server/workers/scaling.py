"""What a second worker is worth where generator and gateway share the cores: requests by the
gateway's own processor time, which is what is left to scale once the load comes from elsewhere."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from loadtest.compare.ratio import Ratio, ratio
from loadtest.peers.process import cpu_s
from loadtest.stack import Stack, family

SHARES: Final = ("gateway", "valkey", "generator", "rest")


class Spent(NamedTuple):
    """Seconds of processor time."""

    gateway: float  # supervisor and workers
    valkey: float
    generator: float
    rest: float  # refresher and ingest

    def since(self, before: "Spent") -> "Spent":
        return Spent(*(now - then for now, then in zip(self, before, strict=True)))


class Block(NamedTuple):
    answered: int  # with 200
    refused: int  # anything else
    elapsed_s: float
    spent: Spent

    @property
    def per_second(self) -> float:
        return self.answered / self.elapsed_s

    @property
    def per_core_second(self) -> float:
        """Of the gateway's."""
        return self.answered / self.spent.gateway


def spent_by(stack: Stack, generator_s: float) -> Spent:
    """So far."""
    by_name = {name: cpu_s(family(pid)) for name, pid in stack.pids.items()}
    gateway, valkey = by_name.pop("gateway"), by_name.pop("valkey", 0.0)
    return Spent(gateway, valkey, generator_s, sum(by_name.values()))


class Scaling(NamedTuple):
    """Of two workers to one."""

    factor: Ratio  # by processor time: twice the ratio of requests a gateway-core-second
    throughput: Ratio  # as it came, on cores that the generator shares


def scaling(one: Sequence[Block], two: Sequence[Block]) -> Scaling | None:
    """Paired by round. None where rounds are too few."""
    by_core = ratio(_column(one, "per_core_second"), _column(two, "per_core_second"))
    raw = ratio(_column(one, "per_second"), _column(two, "per_second"))
    if by_core is None or raw is None:
        return None
    value, low, high = (2.0 * each for each in (by_core.value, by_core.low, by_core.high))
    return Scaling(Ratio(value, low, high, by_core.blocks), raw)


def as_markdown(blocks: Mapping[int, Sequence[Block]], facts: Mapping[str, Any]) -> str:
    shares = [f"{name}, cores" for name in SHARES]
    heads = ["workers", "answered/s", *shares, "answers a gateway-core-second", "refused"]
    told = scaling(blocks[1], blocks[2])
    return "\n".join(
        [
            f"{facts['date']}, {facts['hardware']}; `{facts['command']}`.",
            "",
            f"| {' | '.join(heads)} |",
            "|---" * len(heads) + "|",
            *(_row(workers, each) for workers, each in blocks.items()),
            "",
            "Too few rounds for an interval." if told is None else _words(told),
        ]
    )


def _row(workers: int, blocks: Sequence[Block]) -> str:
    """Medians over blocks; all that was refused."""
    cores = [np.median([_share(block, name) for block in blocks]) for name in SHARES]
    cells = [str(workers), f"{np.median(_column(blocks, 'per_second')):.0f}"]
    cells += [f"{each:.2f}" for each in cores]
    cells += [f"{np.median(_column(blocks, 'per_core_second')):.0f}"]
    cells += [str(sum(block.refused for block in blocks))]
    return f"| {' | '.join(cells)} |"


def _share(block: Block, name: str) -> float:
    spent: float = getattr(block.spent, name)
    return spent / block.elapsed_s


def _words(told: Scaling) -> str:
    return (
        f"Two workers answer {_interval(told.factor)} times what one does by the gateway's "
        "processor time (twice the ratio of its column), and "
        f"{_interval(told.throughput)} times as it came, with the load on the same cores."
    )


def _interval(one: Ratio) -> str:
    return f"**{one.value:.2f}** ({one.low:.2f} to {one.high:.2f})"


def _column(blocks: Sequence[Block], name: str) -> Any:
    return np.array([getattr(block, name) for block in blocks], np.float64)
