"""One backfill as every worker is told of it."""

from pathlib import Path
from typing import Final, NamedTuple

from cache.refresh.backfill.contexts import Given
from cache.refresh.backfill.policies import PolicyName
from cache.refresh.pages import PageRules
from cache.tiers import TtlPolicy

INSTANT_S: Final = 0.0005
"""Half of a timestamp's unit: nothing is fresh but what was computed as of the same instant."""


class Selection(NamedTuple):
    policy: PolicyName
    items_a_user: int
    given: Given  # values of context columns
    as_of_ms: int | None  # None: the wall clock, when a block begins
    is_recomputing: bool


class Job(NamedTuple):
    """Paths must mean the same on every machine."""

    teacher: Path
    catalogue: Path
    redis_url: str
    progress: Path
    rules: PageRules  # those of the space's refreshers
    selection: Selection
    rows_a_block: int
    popular: tuple[int, ...]  # item keys, of the policy `popular`
    in_file: tuple[str, ...]  # context columns that the candidates bring
    candidate_limit: int
    threads: int

    @property
    def fresh_ttl(self) -> TtlPolicy:
        """What counts as computed already."""
        ttl = self.rules.ttl
        return TtlPolicy(INSTANT_S, ttl.hard_s) if self.selection.is_recomputing else ttl
