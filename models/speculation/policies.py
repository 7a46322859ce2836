"""Every policy by name."""

from collections.abc import Callable
from typing import Final

from models.speculation.demand_only import DemandOnly
from models.speculation.errors import PolicyUnknown
from models.speculation.foresight import Foresight
from models.speculation.hazard import Hazard
from models.speculation.policy import Policy
from models.speculation.popularity import Popularity
from models.speculation.student_score import StudentScore

POLICIES: Final[dict[str, Callable[[float], Policy]]] = {
    "demand-only": lambda hard_ttl_s: DemandOnly(),
    "demand-saving": lambda hard_ttl_s: DemandOnly(holds_back=True),
    "popularity": Popularity,
    "student-score": StudentScore,
    "hazard": Hazard,
    "all": Foresight,
}


def policy_of(name: str, hard_ttl_s: float) -> Policy:
    """A new one, that has heard of nothing. Raises PolicyUnknown."""
    if name not in POLICIES:
        raise PolicyUnknown(f"policy {name!r}: use one of {', '.join(POLICIES)}")
    return POLICIES[name](hard_ttl_s)
