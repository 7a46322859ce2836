"""What all gateways counted of a stage, together."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from server.rollout.guardrails.errors import SumsUnreadable
from server.rollout.guardrails.sums import Sums

STABLE: Final = "stable"
CANARY: Final = "canary"


def merged(sums: Mapping[str, bytes]) -> tuple[Sums, Sums]:
    """Of the stable lane and of the canary, from "<gateway>:<lane>" → bytes. What cannot be read
    is left out: a gateway that is of another version, or damages what it writes, must not keep the
    others from being judged."""
    lanes = {STABLE: Sums(), CANARY: Sums()}
    for name, data in sums.items():
        with suppress(KeyError, SumsUnreadable):
            lanes[name.rpartition(":")[2]].held += Sums.decode(data).held
    return lanes[STABLE], lanes[CANARY]
