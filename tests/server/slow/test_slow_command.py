import json
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner, Result

from server.stages import STAGES
from tests.bundles import rank_body
from tests.server.changes import TOKEN
from tests.server.conftest import Served
from tests.server.live import live_gateway, settings_for
from tests.server.test_redis_down import listener
from tests.server.web_answers import http
from understudy import build


def run(url: str, *options: str, token: str | None = TOKEN) -> Result:
    arguments = ["slow", url, *options]
    env = {"UNDERSTUDY_ADMIN_TOKEN": token, "COLUMNS": "250"}
    return CliRunner().invoke(build(arguments), arguments, env=env)


def url_of(client: httpx.Client) -> str:
    return str(client.base_url)


def test_table_tells_time_status_and_request(served: Served) -> None:
    with live_gateway(settings_for(served.student, admin_token=TOKEN)) as client:
        body = rank_body("user-1", 7, request_id="[red]odd")
        client.post("/v1/rank", json=body).raise_for_status()
        table = run(url_of(client))
        as_json = run(url_of(client), "--json")
    assert table.exit_code == 0, table.output
    for word in ("[red]odd", "stable", "200", "1 / 7"):
        assert word in table.output
    assert any(f"{stage} " in table.output for stage in STAGES)
    assert json.loads(as_json.output)["requests"][0]["request_id"] == "[red]odd"


@pytest.mark.parametrize(
    ("given", "token", "said"),
    [
        ({}, TOKEN, "start it with UNDERSTUDY_ADMIN_TOKEN"),
        ({"admin_token": TOKEN}, "wrong", "401: the bearer token is not the one"),
        ({"admin_token": TOKEN}, None, "401: the request carries no bearer token"),
    ],
)
def test_refusal_ends_it_with_the_reason(
    served: Served, given: dict[str, str], token: str | None, said: str
) -> None:
    with live_gateway(settings_for(served.student, **given)) as client:
        refused = run(url_of(client), token=token)
    assert refused.exit_code == 1
    assert said in refused.output


def test_what_is_no_gateway_ends_it_too() -> None:
    for url in ("http://127.0.0.1:1", "file:///etc/passwd", "127.0.0.1", "http://["):
        refused = run(url)
        assert refused.exit_code == 1
        assert refused.output.startswith("understudy slow: ")
    with listener(b"SSH-2.0-x\r\n") as url:
        assert run(url.replace("redis:", "http:")).exit_code == 1


@pytest.mark.parametrize("body", ["<html>hello</html>", "{}", "\x00"])
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_answer_of_something_else_is_not_shown(body: str, options: tuple[str, ...]) -> None:
    with listener(http("200 OK", body)) as url:
        refused = run(url.replace("redis:", "http:"), *options)
    assert (refused.exit_code, refused.output.count("\n")) == (1, 1)
    assert "is that a gateway?" in refused.output


def test_refusal_that_breaks_off_is_told() -> None:
    with listener(b"HTTP/1.1 401 x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n") as url:
        refused = run(url.replace("redis:", "http:"))
    assert refused.exit_code == 1
    assert refused.output.startswith("understudy slow: ")


def test_authorities_that_are_not_there_are_named(tmp_path: Path) -> None:
    refused = run("https://127.0.0.1:1", "--ca", str(tmp_path / "missing.pem"))
    assert refused.exit_code == 1
    assert "missing.pem" in refused.output


def test_off_is_said(served: Served) -> None:
    with live_gateway(settings_for(served.student, admin_token=TOKEN, slow_kept=0)) as client:
        assert "UNDERSTUDY_SLOW_KEPT is 0" in run(url_of(client)).output
