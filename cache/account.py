"""What became of every pair that was demanded: the sum that must close."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple, Self

DEMANDED: Final = "demanded"
RECOMPUTED: Final = "recomputed"
"""Of the computed: those that another attempt had begun with before, and may have computed."""


class Outcome(StrEnum):
    """A demanded pair ends in exactly one of these, or is still in the backlog."""

    COMPUTED = "computed"  # in its page
    FRESH = "fresh"  # its page had it
    DUPLICATE = "duplicate"  # computed for another demand a moment ago
    NOT_FINITE = "not_finite"  # the teacher gave NaN or an infinity
    EXPIRED = "expired"  # asked for longer ago than the hard TTL
    TRIMMED = "trimmed"  # pushed out of a full stream by newer demand
    FENCED = "fenced"  # its page was written under a fence that no worker here can have
    DEAD = "dead"  # nobody can use it: in the dead-letter stream


class Account(NamedTuple):
    """Of one space, or of one shard of it."""

    demanded: int
    recomputed: int
    outcomes: Mapping[Outcome, int]  # pairs; all outcomes

    @classmethod
    def read(cls, held: Mapping[bytes, bytes]) -> Self:
        counts = {name.decode(): int(count) for name, count in held.items()}
        outcomes = {outcome: counts.get(outcome, 0) for outcome in Outcome}
        return cls(counts.get(DEMANDED, 0), counts.get(RECOMPUTED, 0), outcomes)

    @classmethod
    def total(cls, accounts: Iterable[Self]) -> Self:
        every = list(accounts)
        outcomes = {
            outcome: sum(account.outcomes[outcome] for account in every) for outcome in Outcome
        }
        return cls(
            sum(account.demanded for account in every),
            sum(account.recomputed for account in every),
            outcomes,
        )

    def counts(self) -> dict[str, int]:
        """By field."""
        outcomes = {outcome.value: count for outcome, count in self.outcomes.items()}
        return {DEMANDED: self.demanded, RECOMPUTED: self.recomputed} | outcomes

    @property
    def unsettled(self) -> int:
        """Pairs of the backlog, if all went well: 0 once the streams are empty."""
        return self.demanded - sum(self.outcomes.values())
