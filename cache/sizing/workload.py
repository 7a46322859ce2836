"""What a deployment is asked for, and what that takes."""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Traffic:
    users: float
    requests_per_s: float
    candidates: float
    covered: float  # share of the candidates that has a fresh pair
    teacher_pairs_per_s: float  # of one core


class Measured(NamedTuple):
    """Bytes of one user."""

    page: float
    record: float
    in_memory: float  # of both together in the server, with all that it adds


class Needs(NamedTuple):
    memory_bytes: float
    read_bytes_per_s: float  # what gateways read for requests
    demanded_pairs_per_s: float
    page_write_bytes_per_s: float  # by refreshers: a page a request that misses
    teacher_cores: float


def needs(traffic: Traffic, of_user: Measured) -> Needs:
    """A request demands what it misses once: a pair asked for again before it is there is not
    counted twice in earnest, so this is what demand is at most."""
    demanded = traffic.requests_per_s * traffic.candidates * (1.0 - traffic.covered)
    missing_requests = traffic.requests_per_s if traffic.covered < 1.0 else 0.0
    return Needs(
        memory_bytes=traffic.users * of_user.in_memory,
        read_bytes_per_s=traffic.requests_per_s * (of_user.page + of_user.record),
        demanded_pairs_per_s=demanded,
        page_write_bytes_per_s=missing_requests * 2.0 * of_user.page,
        teacher_cores=demanded / traffic.teacher_pairs_per_s,
    )
