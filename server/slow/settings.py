"""The gateway's settings of slow requests."""

from pydantic import Field
from pydantic_settings import BaseSettings


class SlowSettings(BaseSettings):
    slow_kept: int = Field(
        32, ge=0, le=256, description="Slowest requests of a window that GET /v1/slow has; 0 is off"
    )
    slow_window_s: float = Field(
        60.0, gt=0, le=3600, description="Length of such a window; the last ten are kept"
    )
    slow_inputs: bool = Field(
        True, description="Keep a slow request's user, context and first items with it"
    )
    slow_user_ids: bool = Field(
        False, description="Keep its user's id as it is; otherwise the beginning of its SHA-256"
    )
