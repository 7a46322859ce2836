"""All series of a gateway, in the order of their page."""

from collections.abc import Mapping
from typing import Final

from server.guide.answers import HINTS, TRAFFIC
from server.guide.guide import Guide
from server.guide.upkeep import CATALOGUE, FEEDS, KEYS, ROLLOUTS

GUIDE: Final[Mapping[str, Mapping[str, Guide]]] = {
    "Requests": TRAFFIC,
    "Hints": HINTS,
    "Feeds": FEEDS,
    "Catalogue": CATALOGUE,
    "Bundles and rollouts": ROLLOUTS,
    "Keys": KEYS,
}
"""By heading and name."""
