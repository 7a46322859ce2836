"""Where nothing is traced, nothing of it is there."""

import builtins
import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from server.metrics import Metrics
from server.settings import Settings
from server.tracing.errors import TracingMissing
from server.tracing.opening import open_tracer
from tests.server.conftest import Served
from understudy import build

ENDPOINT = "http://127.0.0.1:4318"
PROGRAM = """
import sys
from server.app import create_app
from server.settings import Settings
app = create_app(Settings({given}))
assert app.gateway.tracer is None
parts = ("opentelemetry.exporter", "opentelemetry.proto", "opentelemetry.sdk.trace", "requests",
         "server.tracing.otlp", "server.tracing.spans")
print([name for name in sys.modules if name.startswith(parts)])
"""


@pytest.mark.parametrize("given", ["", f"trace_endpoint='{ENDPOINT}'", "trace_ratio=1.0"])
def test_nothing_that_makes_or_sends_spans_is_imported(given: str) -> None:
    """FastAPI imports OpenTelemetry's API, and the client of Redis what is there of its SDK."""
    words = [sys.executable, "-c", PROGRAM.format(given=given)]
    assert subprocess.check_output(words, text=True).strip() == "[]"


@pytest.fixture
def _missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the extra is not installed."""
    real = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == "opentelemetry":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *rest)

    for name in [name for name in sys.modules if name.startswith("server.tracing.otlp")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", missing)


@pytest.mark.usefixtures("_missing")
def test_traces_without_the_packages_are_refused_with_the_remedy() -> None:
    settings = Settings(trace_ratio=0.1, trace_endpoint=ENDPOINT)
    with pytest.raises(TracingMissing, match=r"TRACE_RATIO 0.1 needs opentelemetry.*\[tracing\]"):
        open_tracer(settings, Metrics(), "here")
    assert open_tracer(Settings(trace_endpoint=ENDPOINT), Metrics(), "here") is None


@pytest.mark.usefixtures("_missing")
def test_the_command_says_so_before_it_listens(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNDERSTUDY_TRACE_RATIO", "0.1")
    monkeypatch.setenv("UNDERSTUDY_TRACE_ENDPOINT", ENDPOINT)
    told = CliRunner().invoke(build(["serve"]), ["serve", "--bundle", str(served.student)])
    assert told.exit_code == 2
    assert "pip install 'understudy[tracing]'" in told.stderr


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("http://collector:4318", "http://collector:4318/v1/traces"),
        ("http://collector:4318/", "http://collector:4318/v1/traces"),
        ("https://collector/otlp/v1/traces", "https://collector/otlp/v1/traces"),
    ],
)
def test_an_endpoint_without_a_path_has_that_of_traces(given: str, read: str) -> None:
    assert Settings(trace_endpoint=given).trace_endpoint == read


@pytest.mark.parametrize("given", ["collector:4318", "grpc://collector:4317", "http://"])
def test_an_endpoint_that_is_none_is_refused(given: str) -> None:
    with pytest.raises(ValidationError, match="no URL of a collector"):
        Settings(trace_endpoint=given)


@pytest.mark.parametrize("ratio", [-0.1, 1.1])
def test_a_ratio_is_a_share(ratio: float) -> None:
    with pytest.raises(ValidationError, match="trace_ratio"):
        Settings(trace_ratio=ratio)
