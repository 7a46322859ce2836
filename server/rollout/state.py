"""What all gateways of a model agree on: who answers, who is tried, and how far that is."""

from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from cache.errors import Corrupt
from server.rollout.errors import PlanInvalid
from server.rollout.plan import DEFAULT, RolloutPlan, plan_of

Stage = Literal["idle", "verifying", "shadowing", "canary", "done", "rolled_back"]
RUNNING: Final = ("verifying", "shadowing", "canary")
FILLING, JUDGING = 0, 1
"""Steps of shadowing: what the shadow answers counts from the filled space on."""
MAX_BYTES: Final = 1 << 16
STARTED_WITH: Final = ""


class State(Struct, frozen=True):
    stable: str = STARTED_WITH
    """What each gateway was started with; or the absolute path of a serving folder; or
    NAME-VERSION of the registry."""
    stable_version: str = ""
    """Of its bundle, which no gateway takes another's for; "" where gateways may differ."""
    candidate: str = ""
    """Of the latest rollout, in the same form; kept once that is over."""
    candidate_version: str = ""
    """As whoever started it found it there."""
    previous: str = ""
    """`stable` before the last promotion."""
    previous_version: str = ""
    stage: Stage = "idle"
    step: int = 0
    """Of shadowing: FILLING, JUDGING; of the canary: place in the plan's steps."""
    is_paused: bool = False
    """Stage and share stay; only limits and failures act."""
    rollout: str = ""
    """Sortable by time; also the salt of the choice of users."""
    plan: RolloutPlan = DEFAULT
    by: str = ""
    """Who made the last change: "controller", or user@machine."""
    reason: str = ""
    keep_until_ms: int = 0
    """While done: until then `previous` stays loaded, by the server's time."""

    @property
    def share(self) -> float:
        """Of traffic that the candidate answers before it is promoted."""
        return self.plan.share_of(self.step) if self.stage == "canary" else 0.0

    @property
    def tally(self) -> str:
        """Names the sums of this stage and step."""
        return f"{self.rollout}-{self.stage}-{self.step}"

    @property
    def tally_before(self) -> str | None:
        """Of the step before, in the last, where nobody is left to the stable lane."""
        if self.share < 1.0 or self.step == 0:
            return None
        return self.replace(step=self.step - 1).tally

    @property
    def is_running(self) -> bool:
        return self.stage in RUNNING

    def replace(self, **changed: Any) -> "State":
        return msgspec.structs.replace(self, **changed)

    def encode(self) -> bytes:
        """Raises ValueError for what would not be read again."""
        body = msgspec.json.encode(self, enc_hook=_plain)
        _check_size(body)
        return body

    @classmethod
    def decode(cls, body: bytes | None) -> "State":
        """Idle where nothing was ever rolled out. Raises Corrupt."""
        if body is None:
            return cls()
        try:
            _check_size(body)
            state = _DECODER.decode(body)
            _check(state)
        except ValueError as error:  # msgspec's and pydantic's are
            raise Corrupt(
                f"the state of a rollout cannot be read: {error}: delete the key "
                "us:rollout:{MODEL}, and gateways write back what they followed last"
            ) from error
        return state


def _check_size(body: bytes) -> None:
    if len(body) > MAX_BYTES:
        raise ValueError(f"{len(body)} bytes are more than {MAX_BYTES}")


def _check(state: State) -> None:
    steps = {"canary": len(state.plan.steps), "shadowing": 2}.get(state.stage, 1)
    if not 0 <= state.step < steps:
        raise ValueError(f"step {state.step} of {state.stage}, which has {steps}")


def _plain(value: Any) -> Any:
    if isinstance(value, RolloutPlan):
        return value.model_dump(mode="json")
    raise NotImplementedError(type(value))


def _plan(kind: type, value: Any) -> Any:
    if kind is RolloutPlan:
        try:
            return plan_of(value, "plan")
        except PlanInvalid as error:
            raise ValueError(str(error)) from error
    raise NotImplementedError(kind)


_DECODER: Final = msgspec.json.Decoder(State, dec_hook=_plan)
