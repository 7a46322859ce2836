"""The gateway's settings of its processes."""

from pydantic import Field
from pydantic_settings import BaseSettings


class WorkerSettings(BaseSettings):
    workers: int = Field(
        1, ge=1, le=256, description="Processes that answer on the port; above 1 under a supervisor"
    )
    worker_silent_s: float = Field(
        10.0,
        ge=0,
        le=3600,
        description="A worker whose event loop has not turned for so long is ended, its stacks in "
        "the log, and started again; 0 lets it hang",
    )
