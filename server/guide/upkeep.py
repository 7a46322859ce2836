"""Of what happens behind answers: feeds, catalogue, bundles, rollouts, keys."""

from collections.abc import Mapping
from typing import Final, get_args

from models.providers.execution import Provider
from server.guide.guide import MODEL, Guide
from server.rollout.metrics import DECIDERS
from server.rollout.state import Stage

_SENT: Final = ("offered", "dropped", "sent", "failed", "refused")
EVIDENCE: Final = (
    "followed", "unfollowed", "settled", "joined", "other", "damaged", "failed", "away",
    "trimmed", "shadowed", "unread", "candidate_failed", "not_counted", "not_shadowed",
    "not_compared",
)  # fmt: skip
_WITH_REDIS: Final = "with UNDERSTUDY_REDIS_URL"

FEEDS: Final[Mapping[str, Guide]] = {
    "understudy_demand_total": Guide(
        "messages",
        "failed: Redis takes no writes; dropped: the queue of UNDERSTUDY_DEMAND_CAPACITY is full",
        {"outcome": (*_SENT, "duplicate")},
        f"{_WITH_REDIS}, a student that reads a teacher, and a first answer",
    ),
    "understudy_served_total": Guide(
        "answers",
        "what is not sent is missing in training; failed and dropped as above",
        {"outcome": _SENT},
        f"{_WITH_REDIS}, and once an answer was kept",
    ),
    "understudy_served_share": Guide("share", "the setting UNDERSTUDY_SERVED_SHARE"),
    "understudy_mirrored_candidates_total": Guide(
        "candidates",
        "ready ÷ held is how far the space of a candidate is filled",
        {"standing": ("seen", "held", "ready")},
        "while a rollout fills another space",
    ),
    "understudy_events_total": Guide(
        "events",
        "none of a type: its sender has stopped; refused ones are answers of /v1/events",
        {"type": "impression, or a task of the model"},
    ),
    "understudy_item_updates_total": Guide(
        "items", "stands still while events come: ingest does not run, or Redis is away"
    ),
}

CATALOGUE: Final[Mapping[str, Guide]] = {
    "understudy_catalogue_items": Guide("items", "differs between processes: one is behind"),
    "understudy_catalogue_delta_rows": Guide(
        "items", "grows until the next export; a large one costs memory and a little time"
    ),
    "understudy_catalogue_newest_timestamp_seconds": Guide(
        "seconds since 1970", "older here than elsewhere: this process does not follow"
    ),
    "understudy_catalogue_lag_seconds": Guide(
        "seconds", "a paused ad is shown for so long; above a few: Redis, or a starved process"
    ),
    "understudy_catalogue_updates_total": Guide(
        "rows",
        "dropped: more changes than fit, export anew; foreign: another log schema",
        {"outcome": ("applied", "same", "dropped", "foreign")},
        _WITH_REDIS,
    ),
}

ROLLOUTS: Final[Mapping[str, Guide]] = {
    "understudy_bundle_info": Guide(
        "1",
        "which version answers where; two stable ones for long: a process does not follow",
        {
            "lane": ("stable", "shadow", "canary"), "model": MODEL, "version": "of the bundle",
            "space": "that it reads, or empty",
        },
    ),
    "understudy_provider_info": Guide(
        "1",
        "cpu where a GPU was asked for: UNDERSTUDY_PROVIDER_FALLBACK let it",
        {"lane": ("stable", "shadow", "canary"), "version": "of the bundle",
         "provider": get_args(Provider)},
    ),
    "understudy_rollout_stage": Guide(
        "0 or 1", "the same in all processes, or one does not follow",
        {"model": MODEL, "stage": get_args(Stage)}, _WITH_REDIS,
    ),
    "understudy_rollout_share": Guide(
        "share", "0 beside others: this process has not opened the candidate",
        {"model": MODEL}, _WITH_REDIS,
    ),
    "understudy_rollout_following": Guide(
        "0 or 1", "0: the last state holds; Redis is away, or has lost it",
        {"model": MODEL}, _WITH_REDIS,
    ),
    "understudy_rollout_paused": Guide(
        "0 or 1", "a step that is undecided for most_s pauses itself: `understudy rollout status`",
        {"model": MODEL}, _WITH_REDIS,
    ),
    "understudy_rollbacks_total": Guide(
        "rollouts", "each process counts what it saw: take the maximum",
        {"model": MODEL, "by": DECIDERS}, _WITH_REDIS,
    ),
    "understudy_evidence_total": Guide(
        "answers, events",
        "rollouts.md explains each; failed, away and the not_… are faults of the evidence",
        {"model": MODEL, "what": EVIDENCE},
        "while a rollout is judged",
    ),
}  # fmt: skip

_WITH_KEYS: Final = "with UNDERSTUDY_KEYS"

KEYS: Final[Mapping[str, Guide]] = {
    "understudy_keys": Guide("keys", "as many as the file has", when=_WITH_KEYS),
    "understudy_keys_file_unread": Guide(
        "0 or 1", "1: the new file breaks a rule, which the log names", when=_WITH_KEYS
    ),
    "understudy_key_candidates_total": Guide(
        "candidates", "who uses how much", {"key": "its name"}, _WITH_KEYS
    ),
    "understudy_key_over_quota_total": Guide(
        "candidates",
        "dry_run: what a quota would refuse; refused: raise it, or talk to the caller",
        {"key": "its name", "outcome": ("refused", "dry_run")},
        _WITH_KEYS,
    ),
}
