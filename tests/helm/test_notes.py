import pytest

from tests.helm.charts import ALONE, over, render, text_of


def notes(mode: str) -> str:
    return text_of(mode)["NOTES.txt"]


OFF = ["cache:", "admin token:", "keys:", "TLS:", "disruption budget:", "network policy:",
       "autoscaling:", "monitoring:", "resources:", "signatures:", "traces:"]  # fmt: skip


@pytest.mark.parametrize("what", OFF)
def test_notes_say_what_is_off(what: str) -> None:
    assert f"\n- {what}" in notes("minimal")


@pytest.mark.parametrize("what", [each for each in OFF if each != "TLS:"])
def test_notes_are_silent_of_what_is_on(what: str) -> None:
    assert f"\n- {what}" not in notes("prod")


def test_notes_reach_the_port_that_is_served() -> None:
    told = render(over(ALONE, {"gateway": {"service": {"port": 9999}}}))["NOTES.txt"]
    assert "port-forward service/ads-understudy-gateway 9999" in told
    assert "curl http://127.0.0.1:9999/readyz" in told
    assert "curl -k https://127.0.0.1:8080/readyz" in notes("external-redis-tls")


def test_notes_warn_of_an_own_valkey_without_password_or_disk() -> None:
    values = over(ALONE, {"valkey": {"enabled": True, "persistence": {"enabled": False}}})
    told = render(values)["NOTES.txt"]
    assert "- Valkey's password:" in told
    assert "- persistence:" in told
    assert "- Valkey's password:" not in notes("cluster")


def test_notes_say_that_probes_have_no_certificate() -> None:
    told = render(over(ALONE, {"gateway": {"tls": {"secretName": "a", "clientCA": True}}}))
    assert "probes have none" in told["NOTES.txt"]
    assert "helm test ads" in notes("minimal")


def test_notes_say_where_rollouts_are_decided() -> None:
    assert "every gateway has their controller" in notes("prod")
    assert "exec deployment/ads-understudy-gateway --container gateway -- understudy rollout" in (
        notes("cluster")
    )
    assert "controller" not in notes("minimal")  # nothing to keep their state
    assert "- registry:" in notes("minimal")


def test_notes_say_what_an_uninstall_leaves() -> None:
    selector = "app.kubernetes.io/instance=ads,app.kubernetes.io/component=valkey"
    assert f"delete pvc --selector {selector}" in notes("cluster")
    assert "pvc" not in notes("prod")


def test_notes_of_refreshers_alone_speak_of_no_gateway_of_theirs() -> None:
    assert notes("refreshers").startswith("No gateway is part of this release.")
    assert "port-forward" not in notes("refreshers")
    assert "- keys:" not in notes("refreshers")


def test_notes_say_how_the_doctor_is_called() -> None:
    beside = "exec deployment/ads-understudy-gateway --container gateway -- understudy doctor"
    assert beside in notes("minimal")
    assert "understudy doctor" not in notes("refreshers")
