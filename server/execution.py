"""What runs the student in this process, by the settings."""

from models.providers.execution import Execution
from models.providers.threads import usable_cores
from server.settings import Settings


def execution_of(settings: Settings) -> Execution:
    return Execution(
        settings.provider,
        has_fallback=settings.provider_fallback,
        max_candidates=settings.max_candidates,
        engines=settings.tensorrt_engines,
        has_graphs=settings.cuda_graphs,
    )


def threads_of(settings: Settings) -> int:
    """Of a session; workers share the cores."""
    if settings.ort_threads == "auto":
        return max(1, usable_cores() // settings.workers)
    return settings.ort_threads
