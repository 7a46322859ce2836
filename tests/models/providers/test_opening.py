"""A provider that cannot be had is an error by its name, unless the CPU may stand in."""

import logging
from pathlib import Path

import onnxruntime as ort
import pytest

from models.providers.bound import BoundSession
from models.providers.errors import ProviderUnavailable
from models.providers.execution import CPU, Execution, Provider
from models.providers.sessions import check_granted
from models.runtime import load
from tests.bundles import linear_student

GPUS: tuple[Provider, ...] = ("cuda", "tensorrt")
needs_cpu_build = pytest.mark.skipif(
    "CUDAExecutionProvider" in ort.get_available_providers(), reason="this build has CUDA"
)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return linear_student(tmp_path / "bundles")


def test_cpu_is_what_runs_a_bundle_when_nothing_is_said(bundle: Path) -> None:
    assert load(bundle).provider == "cpu"
    assert not isinstance(load(bundle).session, BoundSession)


@needs_cpu_build
@pytest.mark.parametrize("provider", GPUS)
def test_provider_that_the_build_lacks_is_refused_with_the_remedy(
    bundle: Path, provider: Provider
) -> None:
    with pytest.raises(ProviderUnavailable, match=f"provider {provider}.*extra gpu"):
        load(bundle, execution=Execution(provider))


@needs_cpu_build
@pytest.mark.parametrize("provider", GPUS)
def test_cpu_stands_in_where_it_may_and_says_so(
    bundle: Path, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        model = load(bundle, execution=Execution(provider, has_fallback=True))
    assert model.provider == "cpu"
    assert f"provider {provider}" in caplog.text


def test_session_that_was_given_less_than_asked_for_is_refused() -> None:
    with pytest.raises(ProviderUnavailable, match="was given CPUExecutionProvider"):
        check_granted("cuda", ["CPUExecutionProvider"], Path("model.onnx"))


def test_engines_lie_beside_the_bundle_unless_told_where(tmp_path: Path) -> None:
    bundle = tmp_path / "serving" / "student-1"
    assert CPU.engines_of(bundle) == tmp_path / "serving" / "engines" / "student-1"
    assert Execution(engines=tmp_path).engines_of(bundle) == tmp_path / "student-1"
