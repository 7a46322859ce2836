"""What makes a log of served requests, as a YAML file says it. docs/data.md has every key."""

from pathlib import Path
from typing import Final, Literal

import yaml
from pydantic import Field, ValidationError

from models.data.errors import MappingInvalid
from models.data.periods import Periods
from models.data.tables import Columns, EntityMapping
from models.schema import Frozen

MAX_MAPPING_BYTES: Final = 1 << 20


class ServedMapping(Frozen):
    """Paths are relative to the file's folder."""

    requests: str
    """The folder that `understudy archive --to` writes."""
    events: str
    """A file of events, or a folder of them."""
    model: str = "student"
    """Whose answers."""
    tasks: tuple[str, ...] = Field(("click",), min_length=1, max_length=4)
    """Types of events; each is a label."""
    impressions: Literal["events", "slate"] = "events"
    """What was shown: what events say, or all that was returned."""
    attribution_s: float = Field(3600.0, gt=0)
    """Time from an impression in which what follows from it counts."""
    shown_within_s: float = Field(600.0, ge=0)
    """Time from an answer to its impressions, at most."""
    unanswered: Literal["keep", "drop"] = "keep"
    """Impressions whose answer was not archived: with a missing context, or not at all."""
    days: float = Field(14.0, gt=0)
    """Only what is at most as old as that, seen from the newest."""
    context: Columns = Field(default_factory=dict)
    items: EntityMapping | None = None
    users: EntityMapping | None = None
    periods: Periods | None = None
    provenance: str = Field("served requests and their events", max_length=10_000)

    @classmethod
    def read(cls, path: Path) -> "ServedMapping":
        """Raises MappingInvalid."""
        try:
            if path.stat().st_size > MAX_MAPPING_BYTES:
                raise MappingInvalid(f"{path} is larger than {MAX_MAPPING_BYTES} bytes")
            return cls.model_validate(yaml.safe_load(path.read_text()))
        except (OSError, ValueError, yaml.YAMLError, ValidationError) as error:
            raise MappingInvalid(f"{path} says nothing of served requests: {error}") from error

    @property
    def attribution_ms(self) -> int:
        return round(self.attribution_s * 1000)

    @property
    def shown_within_ms(self) -> int:
        return round(self.shown_within_s * 1000)

    @property
    def days_ms(self) -> int:
        return round(self.days * 86_400_000)
