"""Worked examples of the API, as /docs shows them."""

from typing import Any, Final

RANK_EXAMPLES: Final[dict[str, Any]] = {
    "bare": {
        "summary": "Ids alone",
        "value": {"user_id": "user-7", "item_ids": ["item-1", "item-2", "item-3"]},
    },
    "auction": {
        "summary": "Bids, a context and a budget",
        "value": {
            "request_id": "auction-42",
            "user_id": "user-7",
            "context": {"placement": "feed"},
            "candidates": [
                {"item_id": "item-1", "bid": 0.8},
                {"item_id": "item-2", "bid": 2.5, "features": {"price": 19.9}},
            ],
            "top_k": 1,
            "deadline_ms": 60,
        },
    },
    "diverse": {
        "summary": "Ten that differ from one another",
        "value": {
            "user_id": "user-7",
            "item_ids": [f"item-{number}" for number in range(1, 21)],
            "top_k": 10,
            "diversity": 0.3,
        },
    },
    "constrained": {
        "summary": "One an account, a sponsor on top, what was just seen left out",
        "value": {
            "user_id": "user-7",
            "candidates": [
                {"item_id": "item-1", "group": "account-1"},
                {"item_id": "item-2", "group": "account-1"},
                {"item_id": "item-3", "group": "account-2"},
                {"item_id": "item-4"},
            ],
            "diversity": {"strength": 0.3, "window": 5},
            "max_per": {"group": 1},
            "pinned": {"item-4": 1},
            "excluded": ["item-3"],
        },
    },
}

RANK_ANSWER: Final[dict[str, Any]] = {
    "request_id": "auction-42",
    "model": "student",
    "version": "1a2b3c4d5e6f",
    "lane": "stable",
    "item_ids": ["item-2"],
    "scores": [0.031],
    "values": [0.0775],
    "coverage": {"pair": 0.5, "neighbour": 0.0, "user": 0.5, "item": 0.0, "none": 0.0},
    "teacher_age_s": 12.5,
    "degraded": [],
}

ITEMS_EXAMPLE: Final[dict[str, Any]] = {
    "launch": {
        "summary": "One new, one paused",
        "value": {
            "items": [
                {
                    "item_id": "item-9001",
                    "status": "active",
                    "features": {"brand": "brand-7", "price": 19.9},
                },
                {"item_id": "item-2", "status": "paused"},
            ]
        },
    }
}

_SHOWN: Final = {"user_id": "user-7", "request_id": "9f2c51d07a3e-17"}
EVENTS_EXAMPLE: Final[dict[str, Any]] = {
    "slate": {
        "summary": "Two shown, one clicked",
        "value": {
            "events": [
                {"event_id": "e-1", "type": "impression", "item_id": "item-2", **_SHOWN},
                {"event_id": "e-2", "type": "impression", "item_id": "item-1", **_SHOWN},
                {"event_id": "e-3", "type": "click", "item_id": "item-2", **_SHOWN},
            ]
        },
    }
}

ROLLOUT_EXAMPLES: Final[dict[str, Any]] = {
    "start": {
        "summary": "A bundle of the registry, by the default plan",
        "value": {"act": "start", "to": "student-1a2b3c4d5e6f", "reason": "this week's"},
    },
    "planned": {
        "summary": "By a plan of one's own",
        "value": {
            "act": "start",
            "to": "/srv/models/new",
            "plan": "steps = [0.1, 1.0]\nleast_s = 300\n",
        },
    },
    "abort": {
        "summary": "Back to the stable bundle at once",
        "value": {"act": "abort", "reason": "complaints", "by": "mara"},
    },
}
