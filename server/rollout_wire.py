"""The bodies of /v1/rollouts, /v1/models and /v1/bundles."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from server.rollout.guardrails.verdict import Verdict

Act = Literal["start", "pause", "resume", "promote", "abort"]
CandidateState = Literal["absent", "opening", "warm", "failed"]

Line = Annotated[str, Meta(max_length=500)]


class RolloutAct(Struct, forbid_unknown_fields=True, kw_only=True):
    """What an operator wants done."""

    act: Act
    to: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=4096,
                description="`start` only: NAME-VERSION of the registry, or a serving folder, at "
                "this path on every gateway",
            ),
        ]
        | None
    ) = None
    plan: (
        Annotated[
            str,
            Meta(
                max_length=65_536,
                description="`start` only: `default`, `direct`, or the text of a plan in TOML",
            ),
        ]
        | None
    ) = None
    all: Annotated[
        bool, Meta(description="`promote` only: past all steps, to all of the traffic")
    ] = False
    reason: Annotated[Line, Meta(description="Stands in the history")] | None = None
    by: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=64,
                description="Who asks: stands in the history, unchecked",
            ),
        ]
        | None
    ) = None
    revision: (
        Annotated[
            int,
            Meta(ge=0, description="That was looked at; 409 when it is another by now"),
        ]
        | None
    ) = None


class GatewayStatus(Struct, frozen=True):
    """One process, as it last told."""

    gateway: str
    host: str
    pid: int
    is_alive: bool
    told_s_ago: float
    revision: Annotated[int, Meta(description="Of the state that it follows")]
    stable_version: str
    candidate_version: str
    candidate_state: CandidateState
    detail: Annotated[
        str,
        Meta(
            description="What it does with the candidate, or why it failed; once done, why the "
            "student before is not open"
        ),
    ]


class SpaceStanding(Struct, frozen=True):
    """Candidates looked up in the space to come, where the students' spaces differ."""

    seen: int
    held: Annotated[int, Meta(description="With a pair in the space that answers")]
    ready: Annotated[int, Meta(description="With a pair in the space to come")]


class RolloutStatus(Struct, frozen=True, kw_only=True):
    """The latest rollout of one model."""

    model: str
    is_following: Annotated[
        bool, Meta(description="false: Redis is away, and this is the last state that was read")
    ]
    rollout: Annotated[str, Meta(description="Its id; empty before the first")]
    stage: str
    step: Annotated[
        int,
        Meta(
            description="Place in `steps` while the stage is `canary`; while it is `shadowing`, 0 "
            "fills the space to come and 1 is judged"
        ),
    ]
    steps: Annotated[list[float], Meta(description="Shares of the traffic, as planned")]
    share: Annotated[float, Meta(description="Of the traffic that the canary answers now")]
    is_paused: bool
    stable: Annotated[str, Meta(description="Empty: what each gateway was started with")]
    candidate: str
    previous: str
    by: Annotated[str, Meta(description="Who made the last change")]
    reason: str
    revision: int
    since_ms: Annotated[int, Meta(description="When the last change was made")]
    now_ms: Annotated[int, Meta(description="By the clock of Redis, as all times here")]
    least_s: Annotated[float, Meta(description="How long this step lasts at least")]
    most_s: Annotated[float, Meta(description="After which it pauses itself")]
    keep_until_ms: Annotated[int, Meta(description="Until then `abort` brings `previous` back")]
    verdict: Annotated[Verdict, Meta(description="Of this stage's sums, now")] | None
    standing: SpaceStanding | None
    fleet: list[GatewayStatus]


class Rollouts(Struct):
    rollouts: list[RolloutStatus]


class Transition(Struct, frozen=True, kw_only=True):
    """One change of a rollout, as it was recorded with it."""

    id: str
    at_ms: int
    rollout: str
    candidate: str
    from_stage: str
    from_step: int
    to_stage: str
    to_step: int
    share: Annotated[float, Meta(description="Of the traffic that the canary got with it")]
    is_paused: bool
    by: str
    reason: str
    verdict: Annotated[Verdict, Meta(description="What was known then")] | None


class RolloutHistory(Struct):
    model: str
    transitions: Annotated[list[Transition], Meta(description="The newest first")]


class LaneStatus(Struct, frozen=True):
    lane: str
    version: str
    folder: str
    space: Annotated[str, Meta(description="Of the teacher whose hints it reads")] | None
    provider: Annotated[str, Meta(description="What runs it: `cpu`, `cuda`, `tensorrt`")]
    bundle_bytes: Annotated[int, Meta(description="Of its files")]


class ModelStatus(Struct, frozen=True):
    model: str
    is_default: Annotated[bool, Meta(description="Answers requests that name no model")]
    lanes: list[LaneStatus]


class Models(Struct, frozen=True):
    """Of the process that answers."""

    models: list[ModelStatus]
    resident_bytes: Annotated[int, Meta(description="Memory of the process")]


class BundleEntry(Struct, frozen=True):
    """One bundle of the registry."""

    name: str
    version: str
    role: Annotated[str, Meta(description="`student` or `teacher`; empty where no entry is")]
    space: Annotated[str, Meta(description="That it reads, or produces")] | None
    size_bytes: int
    pushed_at_ms: int
    pushed_by: str
    message: str
    is_signed: bool


class Bundles(Struct, frozen=True):
    """Those of the registry, by name and the newest first."""

    registry: Annotated[str, Meta(description="UNDERSTUDY_REGISTRY")] | None
    bundles: list[BundleEntry]
