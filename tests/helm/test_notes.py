import pytest

from tests.helm.charts import ALONE, over, render, text_of


def notes(mode: str) -> str:
    return text_of(mode)["NOTES.txt"]


OFF = ["cache:", "admin token:", "keys:", "TLS:", "disruption budget:", "network policy:",
       "autoscaling:", "monitoring:", "resources:", "signatures:"]  # fmt: skip


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
