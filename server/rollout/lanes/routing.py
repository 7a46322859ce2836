"""Which lane answers whom: published whole by one assignment, taken once by a request."""

from collections.abc import Collection
from hmac import compare_digest
from typing import Final, NamedTuple

from models.features.hashing import key64
from server.caller import HungUp
from server.errors import (
    DeadlineExceeded,
    InvalidRequest,
    Overloaded,
    ServingError,
    Unauthorized,
)
from server.lane import STABLE, Lane
from server.open_lane import OpenLane
from server.ranked import Ranked
from server.rollout.evidence.shadow import Shadow
from server.rollout.evidence.witness import Witness
from server.stages import StageClock
from server.wire import RankAnswer

ALL: Final = 1 << 64
"""Of 64-bit hashes of users."""
FORCED: Final = b"x-understudy-lane"
TOKEN: Final = b"x-understudy-lane-token"


class Routing(NamedTuple):
    stable: OpenLane
    candidate: OpenLane | None = None  # while it is shadowed, or answers some
    below: int = 0
    """Users whose salted hash is less are the candidate's: whoever is, stays so as it grows."""
    salt: str = ""
    witness: Witness | None = None
    shadow: Shadow | None = None

    def choose(self, user_id: str) -> Lane:
        candidate = self.candidate
        if candidate is not None and self.below and key64(self.salt + user_id) < self.below:
            return candidate.lane
        return self.stable.lane

    def only(self, name: str) -> "Routing":
        """That lane alone, and nothing is counted. Raises InvalidRequest."""
        lanes = [self.stable, *filter(None, [self.candidate])]
        for opened in lanes:
            if opened.lane.name == name:
                return Routing(opened)
        raise InvalidRequest(
            f"the lanes here are {', '.join(each.lane.name for each in lanes)}",
            field=FORCED.decode(),
            value=name,
            remedy="name one of them, or leave the header out",
        )

    def tell(self, lane: Lane, ranked: Ranked, answer: RankAnswer, clock: StageClock) -> None:
        """Once the answer is sent. Nothing is raised."""
        if self.witness is not None:
            self.witness.tell(lane.name, ranked, answer, clock)
        if self.shadow is not None and lane.name == STABLE:
            self.shadow.offer(ranked, answer.request_id)

    def failed(self, lane: Lane, user_id: str, error: Exception) -> None:
        """A refusal is no fault of a lane, unless that had no time for the request: of a slow one
        that sheds most, the answers that are left are in time."""
        is_fault = isinstance(error, DeadlineExceeded | Overloaded) or not isinstance(
            error, ServingError | HungUp
        )
        if self.witness is not None and is_fault:
            self.witness.failed(lane.name, user_id)


def forced_lane(headers: Collection[tuple[bytes, bytes]], token: bytes) -> str | None:
    """The lane that a request names. Raises Unauthorized when it may not."""
    for name, value in headers:
        if name == FORCED:
            _check(dict(headers).get(TOKEN, b""), token)
            return value.decode("latin-1")
    return None


def _check(given: bytes, token: bytes) -> None:
    """Raises Unauthorized."""
    if not compare_digest(given, token):
        raise Unauthorized(
            "a lane is named without the token that it takes",
            field=TOKEN.decode(),
            remedy="send the token of UNDERSTUDY_ADMIN_TOKEN, or leave x-understudy-lane out",
        )
