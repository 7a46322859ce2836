from pathlib import Path

import pytest
from pydantic import ValidationError

from models.providers.execution import Execution
from models.providers.threads import usable_cores
from server.execution import execution_of, threads_of
from server.settings import Settings


def test_one_thread_and_the_cpu_unless_told() -> None:
    assert execution_of(Settings()) == Execution()
    assert threads_of(Settings()) == 1


def test_auto_threads_share_the_cores_among_the_workers() -> None:
    cores = usable_cores()
    assert threads_of(Settings(ort_threads="auto")) == cores
    assert threads_of(Settings(ort_threads="auto", workers=2 * cores)) == 1


def test_threads_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_ORT_THREADS", "auto")
    assert Settings().ort_threads == "auto"
    monkeypatch.setenv("UNDERSTUDY_ORT_THREADS", "3")
    assert threads_of(Settings()) == 3
    monkeypatch.setenv("UNDERSTUDY_ORT_THREADS", "0")
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        Settings()


def test_largest_bucket_is_the_most_candidates_of_a_request() -> None:
    settings = Settings(
        provider="tensorrt",
        max_candidates=300,
        tensorrt_engines=Path("/engines"),
        provider_fallback=True,
    )
    execution = execution_of(settings)
    assert execution == Execution("tensorrt", True, 300, Path("/engines"))
