"""What all gateways counted of a stage, together."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from server.rollout.guardrails.errors import SumsUnreadable
from server.rollout.guardrails.sums import Sums

STABLE: Final = "stable"
CANARY: Final = "canary"


def merged(sums: Mapping[str, bytes], skipped: Counter[str] | None = None) -> tuple[Sums, Sums]:
    """Of the stable lane and of the canary, from "<gateway>:<lane>" → bytes. What cannot be read
    is left out, and counted in `skipped` by gateway: one that is of another version, or damages
    what it writes, must not keep the others from being judged."""
    lanes = {STABLE: Sums(), CANARY: Sums()}
    for name, data in sums.items():
        gateway, _, lane = name.rpartition(":")
        try:
            lanes[lane].held += Sums.decode(data).held
        except (KeyError, SumsUnreadable):
            if skipped is not None:
                skipped[gateway] += 1
    return lanes[STABLE], lanes[CANARY]
