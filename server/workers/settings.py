"""The gateway's settings of its processes."""

from typing import Final

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

LEAST_SILENT_S: Final = 2.0
"""Four beats: less would end workers whose loop was late once."""


class WorkerSettings(BaseSettings):
    workers: int = Field(
        1, ge=1, le=256, description="Processes that answer on the port; above 1 under a supervisor"
    )
    worker_silent_s: float = Field(
        10.0,
        ge=0,
        le=3600,
        description="A worker whose event loop has not turned, or whose model has not come back, "
        "for so long is ended, its stacks in the log, and started again; 0 lets it hang",
    )

    @field_validator("worker_silent_s")
    @classmethod
    def _gives_time_for_beats(cls, silent_s: float) -> float:
        if 0 < silent_s < LEAST_SILENT_S:
            raise ValueError(f"give {LEAST_SILENT_S:g} or more, or 0 to let a worker hang")
        return silent_s
