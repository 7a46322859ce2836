"""Where chart and code meet: names and defaults of settings, ports, probe paths, commands."""

from pathlib import Path
from typing import Any, Final

import pytest

from server.app import create_app
from server.listening.server import IN_WORK_S
from server.open_inference.listening import GRPC_GRACE_S
from server.settings import PREFIX, Settings
from tests.helm.charts import (
    ALONE,
    WITH_GATEWAYS,
    Object,
    Objects,
    container,
    containers,
    env_of,
    objects_of,
    over,
    pod_of,
    read_values,
    rendered,
    values_of,
)
from tests.helm.described import CHART_OWNED, COMMAND_OF, option_names
from understudy import COMMANDS

OPTION_ENV: Final = {"UNDERSTUDY_METRICS_PORT"}
"""Read by the commands behind the cache; a gateway refuses it."""


def _config(objects: Objects) -> dict[str, str]:
    return dict(objects.one("ConfigMap", "gateway")["data"])


def _gateway(objects: Objects) -> Object:
    return container(pod_of(objects, "Deployment", "gateway"), "gateway")


def test_values_name_every_setting_that_nothing_else_decides() -> None:
    named = read_values("values.yaml")["gateway"]["settings"].keys()
    assert named == Settings.model_fields.keys() - CHART_OWNED
    assert Settings.model_fields.keys() >= CHART_OWNED


def test_values_repeat_the_defaults_of_the_code() -> None:
    told = read_values("values.yaml")["gateway"]["settings"]
    assert told == {name: Settings.model_fields[name].default for name in told}


@pytest.mark.parametrize("mode", WITH_GATEWAYS)
def test_a_gateway_reads_its_environment(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each name is a setting and each text has a value that it takes."""
    objects = objects_of(mode)
    config, own = _config(objects), env_of(_gateway(objects))
    for name in (*config, *own):
        if name.startswith(PREFIX):
            assert name.removeprefix(PREFIX).lower() in Settings.model_fields
            told = config.get(name, own.get(name))
            monkeypatch.setenv(name, told if isinstance(told, str) else "redis://secret")
    settings = Settings()
    asked = values_of(mode).get("gateway", {}).get("settings", {})
    assert {name: getattr(settings, name) for name in asked} == asked
    assert settings.max_body_bytes == 1 << 20
    assert settings.host == "0.0.0.0"


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [("max_inflight_candidates", 123_456_789, "123456789"), ("served_share", 0.0001, "0.0001"),
     ("demand_hits", True, "true"), ("ort_threads", "auto", "auto"), ("tiers", None, None)],
)  # fmt: skip
def test_a_setting_arrives_as_it_was_written(name: str, value: Any, text: str | None) -> None:
    objects = rendered(over(ALONE, {"gateway": {"settings": {name: value}}}))
    assert _config(objects).get(PREFIX + name.upper()) == text


def test_probes_ask_what_the_gateway_answers(tmp_path: Path) -> None:
    gateway = _gateway(objects_of("minimal"))
    port = _config(objects_of("minimal"))["UNDERSTUDY_PORT"]
    assert gateway["ports"][0] == {"name": "http", "containerPort": int(port)}
    routes = {getattr(each, "path", "") for each in create_app(Settings()).routes}
    probes = {kind: gateway[f"{kind}Probe"] for kind in ("startup", "readiness", "liveness")}
    paths = {kind: probe["httpGet"]["path"] for kind, probe in probes.items()}
    assert paths == {"startup": "/readyz", "readiness": "/readyz", "liveness": "/healthz"}
    assert set(paths.values()) <= routes
    assert {probe["httpGet"]["port"] for probe in probes.values()} == {"http"}


@pytest.mark.parametrize("mode", WITH_GATEWAYS)
def test_the_end_of_a_gateway_is_long_enough(mode: str) -> None:
    """preStop outlasts a request, the drain the readiness probe, the grace all of it."""
    objects = objects_of(mode)
    pod, gateway = pod_of(objects, "Deployment", "gateway"), _gateway(objects)
    config = _config(objects)
    sleep_s = gateway["lifecycle"]["preStop"]["sleep"]["seconds"]
    drain_s = float(config["UNDERSTUDY_DRAIN_S"])
    ready = gateway["readinessProbe"]
    assert sleep_s > float(config["UNDERSTUDY_DEADLINE_MS"]) / 1000
    assert drain_s >= ready["periodSeconds"] * ready["failureThreshold"]
    assert pod["terminationGracePeriodSeconds"] >= sleep_s + drain_s + IN_WORK_S + GRPC_GRACE_S


def test_each_process_runs_a_command_of_the_code(objects: Objects) -> None:
    for role, command in {"gateway": "serve", **COMMAND_OF}.items():
        for told in containers(objects, role):
            first, *options = told["args"]
            assert first == command
            assert command in COMMANDS
            if role != "gateway":
                names = {each.partition("=")[0].replace("--no-", "--") for each in options}
                assert names <= option_names(role) | {"--from"}


def test_processes_behind_the_cache_get_no_setting_they_cannot_read(objects: Objects) -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | OPTION_ENV
    for env in (env_of(each) for role in COMMAND_OF for each in containers(objects, role)):
        assert {name for name in env if name.startswith(PREFIX)} <= known
        assert env["UNDERSTUDY_METRICS_PORT"] == "9100"


def test_ages_mean_the_same_on_both_sides() -> None:
    asked = {"gateway": {"settings": {"soft_ttl_s": 60, "hard_ttl_s": 7200}}}
    objects = rendered(over(values_of("gpu"), asked))
    for role in ("refresher", "neighbours"):
        env = env_of(container(pod_of(objects, "Deployment", role), role))
        assert env["UNDERSTUDY_SOFT_TTL_S"] == _config(objects)["UNDERSTUDY_SOFT_TTL_S"] == "60"
        assert env["UNDERSTUDY_HARD_TTL_S"] == _config(objects)["UNDERSTUDY_HARD_TTL_S"] == "7200"


def test_every_process_logs_json_at_the_level_of_the_gateways(objects: Objects) -> None:
    config = _config(objects) if "gateway" in objects.of("ConfigMap") else {}
    assert config.get("UNDERSTUDY_LOG_FORMAT", "json") == "json"
    for env in (env_of(each) for role in COMMAND_OF for each in containers(objects, role)):
        assert env["UNDERSTUDY_LOG_FORMAT"] == "json"
        assert env["UNDERSTUDY_LOG_LEVEL"] == config.get("UNDERSTUDY_LOG_LEVEL", "info")
