"""The deployment that is looked at, as far as it can be reached from here."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from redis.asyncio import Redis

from server.doctor.told import Told
from server.settings import Settings
from server.web import Web

Need = Literal["url", "gateway", "ready", "redis url", "redis", "space", "settings"]


@dataclass
class Subject:
    """`settings` are those of a gateway beside: None where they were given elsewhere. Checks run in
    order, and the first ones fill in what they find for those that follow."""

    web: Web | None = None
    redis_url: str | None = field(default=None, repr=False)
    settings: Settings | None = None
    settings_error: str | None = None
    ca: Path | None = None
    client_certificate: Path | None = None
    is_own_user: bool = True
    """Whether Redis is asked as the gateway asks it."""
    clock: Callable[[], float] = time.time
    told: Told | None = None
    client: Redis | None = None

    def missing(self, need: Need | None) -> str | None:
        """Why what is needed is not there; None where it is."""
        held: dict[Need, tuple[object, str]] = {
            "url": (self.web, "no gateway is named: --url"),
            "gateway": (self.told, "no gateway answers"),
            "ready": (self.told and self.told.ready, "the gateway is not ready"),
            "redis url": (self.redis_url, "no Redis is named: --redis"),
            "redis": (self.client, "no Redis answers"),
            "space": (
                self.space and self.client,
                "no Redis answers, or the student reads no space",
            ),
            "settings": (self.settings, "known only beside a gateway, with its environment"),
        }
        if need is None:
            return None
        found, why = held[need]
        return why if found is None or found == "" else None

    @property
    def space(self) -> str | None:
        """That the stable student reads."""
        students = self.told.status.students if self.told and self.told.status else []
        return next((each.space for each in students if each.lane == "stable"), None)

    @property
    def models(self) -> list[str]:
        named = (
            []
            if self.told is None
            else self.told.series.values_of("understudy_bundle_info", "model")
        )
        return sorted(set(named)) or ["student"]
