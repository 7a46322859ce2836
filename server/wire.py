"""The HTTP contract. One definition: decoders, encoders and OpenAPI are all made from it."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from models.features.item_status import Status

MAX_ID_LENGTH: Final = 128
MAX_ITEMS: Final = 1000
MAX_WINDOW: Final = 1000
MAX_CAPS: Final = 8
MAX_PINS: Final = 100
MAX_EXCLUDED: Final = 10_000
MAX_TIMESTAMP_MS: Final = 4_102_444_800_000  # the year 2100

Id = Annotated[str, Meta(min_length=1, max_length=MAX_ID_LENGTH)]
TimestampMs = Annotated[int, Meta(ge=1, le=MAX_TIMESTAMP_MS, description="Unix time, ms")]
Priority = Literal["normal", "low"]
LOW: Final = "low"
Value = str | int | float | None
Values = dict[str, Value]


class Candidate(Struct, forbid_unknown_fields=True):
    """One item to rank, with what the caller knows about it."""

    item_id: Id
    bid: (
        Annotated[
            float,
            Meta(ge=0, le=1e12, description="Value of one positive; the order is score × bid"),
        ]
        | None
    ) = None
    features: (
        Annotated[Values, Meta(description="Item columns that override the catalogue's")] | None
    ) = None
    group: Annotated[Id, Meta(description="What `max_per.group` counts it as")] | None = None


class Diversity(Struct, forbid_unknown_fields=True):
    """How much, and how far it reaches."""

    strength: Annotated[
        float, Meta(ge=0, le=1, description="0 orders by value alone, 1 by difference alone")
    ]
    window: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=MAX_WINDOW,
                description="Places above that an item is to differ from; all when absent",
            ),
        ]
        | None
    ) = None


class RankRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """One user, a context and the candidates: either `item_ids` or `candidates`."""

    user_id: Id
    item_ids: (
        Annotated[list[Id], Meta(min_length=1, extra_json_schema={"uniqueItems": True})] | None
    ) = None
    candidates: Annotated[list[Candidate], Meta(min_length=1)] | None = None
    context: Annotated[Values, Meta(description="Context columns of the bundle")] = {}
    request_id: Id | None = None
    model: Annotated[str, Meta(description="Refused with 404 unless it is served here")] | None = (
        None
    )
    task: (
        Annotated[
            str,
            Meta(
                description="Task to score and order by; when absent, the bundle's first scores, "
                "and its value formula, if it has one, orders"
            ),
        ]
        | None
    ) = None
    all_tasks: Annotated[bool, Meta(description="Give every task's scores too")] = False
    top_k: Annotated[int, Meta(ge=1, le=1 << 20)] | None = None
    diversity: (
        Annotated[
            float, Meta(ge=0, le=1, description="0 orders by value alone, 1 by difference alone")
        ]
        | Diversity
    ) = 0.0
    max_per: Annotated[
        dict[str, Annotated[int, Meta(ge=1, le=1 << 20)]],
        Meta(
            max_length=MAX_CAPS,
            description="Most items of a group in the slate, by categorical item column of the "
            "bundle, or by the candidates' own `group`",
        ),
    ] = {}
    pinned: Annotated[
        dict[Id, Annotated[int, Meta(ge=1, le=1 << 20)]],
        Meta(max_length=MAX_PINS, description="Places, from 1, of candidates that stand there"),
    ] = {}
    excluded: Annotated[
        list[Id],
        Meta(max_length=MAX_EXCLUDED, description="Ids that are not ranked; others than the "
                                                  "candidates' are ignored"),
    ] = []  # fmt: skip
    deadline_ms: (
        Annotated[float, Meta(gt=0, le=60_000, description="Latency budget from arrival")] | None
    ) = None
    priority: (
        Annotated[
            Priority,
            Meta(description="`low` is refused first and judged last when there is too much to do"),
        ]
        | None
    ) = None
    timestamp_ms: TimestampMs | None = None


class Coverage(Struct):
    """Shares of the candidates by where the teacher's hint came from."""

    pair: float
    neighbour: float
    user: float
    item: float
    none: float


class Degraded(Struct, frozen=True):
    """A stage that gave less than everything, and why."""

    stage: str
    reason: str


class RankAnswer(Struct):
    """Columns, best first. `scores` are calibrated probabilities whatever the order."""

    request_id: str
    model: str
    version: str
    lane: str
    item_ids: list[str]
    scores: list[float]
    coverage: Coverage
    teacher_age_s: Annotated[float, Meta(description="Mean age of the hints used")] | None
    degraded: list[Degraded]
    values: (
        Annotated[
            list[float],
            Meta(description="What orders, when it is not the score: the formula's value × bid"),
        ]
        | UnsetType
    ) = UNSET
    unavailable: (
        Annotated[
            list[str],
            Meta(description="Candidates left out because they are paused or removed, if any"),
        ]
        | UnsetType
    ) = UNSET
    task_scores: (
        Annotated[dict[str, list[float]], Meta(description="By task, when all were asked for")]
        | UnsetType
    ) = UNSET


class EventEntry(Struct, forbid_unknown_fields=True, kw_only=True):
    """Something that happened to one item shown to one user."""

    event_id: Annotated[Id, Meta(description="Sending it again changes nothing")]
    type: Annotated[Id, Meta(description="`impression`, or a task of the bundle: `click`, …")]
    user_id: Id
    item_id: Id
    timestamp_ms: Annotated[TimestampMs, Meta(description="Now when absent")] | None = None
    request_id: Annotated[Id, Meta(description="Of the answer that showed it")] | None = None


class EventBatch(Struct, forbid_unknown_fields=True):
    events: Annotated[list[EventEntry], Meta(min_length=1)]


class EventsAccepted(Struct):
    accepted: int


class ItemEntry(Struct, forbid_unknown_fields=True, kw_only=True):
    """One item that is new, changed, paused or gone."""

    item_id: Id
    status: Annotated[Status, Meta(description="Only active items are ranked")]
    features: (
        Annotated[
            Values,
            Meta(
                description="All of its columns: one that is not named is missing from now on. "
                "When absent or empty they stay as they are"
            ),
        ]
        | None
    ) = None
    timestamp_ms: (
        Annotated[TimestampMs, Meta(description="When it became so: the later word holds; now "
                                    "when absent")] | None
    ) = None  # fmt: skip


class ItemBatch(Struct, forbid_unknown_fields=True):
    items: Annotated[list[ItemEntry], Meta(min_length=1, max_length=MAX_ITEMS)]


class ItemsAccepted(Struct):
    accepted: int
    changed: Annotated[int, Meta(description="Of those, how many were not known already")]
    unknown_features: Annotated[list[str], Meta(description="Names that the bundle does not read")]


class Health(Struct):
    status: str


class Ready(Struct):
    status: str
    model: str
    version: str
    lane: str
    provider: str


class Problem(Struct, omit_defaults=True):
    """RFC 9457 problem details."""

    title: str
    status: int
    detail: str
    type: str = "about:blank"
    field: str | None = None
    value: str | None = None
    remedy: str | None = None


encode_json = msgspec.json.Encoder().encode
