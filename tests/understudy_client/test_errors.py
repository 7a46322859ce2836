"""Every refusal as a typed error, with what the gateway said of it."""

import httpx
import pytest
from pydantic import SecretStr

from tests.server.conftest import Served
from tests.server.live import live_gateway, settings_for
from tests.server.test_redis_down import closed_port
from tests.understudy_client.asked import Asked, Kind
from tests.understudy_client.scripted import ScriptedGateway, cut_off, hang_up, problem, say
from understudy_client import receiving
from understudy_client.client import Client
from understudy_client.errors import (
    BY_STATUS,
    AnswerUnreadable,
    BodyTooLarge,
    DeadlineExceeded,
    InvalidRequest,
    NotFound,
    Refused,
    Unauthorized,
    Unavailable,
    UnderstudyError,
    Unreachable,
)
from understudy_client.wire import Candidate, Item


def test_broken_rule_names_field_value_and_remedy(asked: Asked) -> None:
    with pytest.raises(InvalidRequest) as refused:
        asked.rank("user-1", ["item-1", "item-1"])
    error = refused.value
    assert (error.status, error.field, error.value) == (422, "item_ids[1]", "item-1")
    assert error.remedy == "send each item once"
    assert str(error) == (
        "422: item_ids[1] = item-1: the candidate is there twice (send each item once)"
    )


def test_text_in_place_of_a_list_is_not_ranked_by_its_letters(asked: Asked) -> None:
    with pytest.raises(InvalidRequest) as refused:
        asked.rank("user-1", "item-1")
    assert refused.value.field == "item_ids"


def test_field_that_nobody_knows_is_refused_by_its_name(asked: Asked) -> None:
    with pytest.raises(InvalidRequest) as refused:
        asked.rank("user-1", ["item-1"], topk=3)
    assert refused.value.field == "topk"


def test_other_model_is_not_found(asked: Asked) -> None:
    with pytest.raises(NotFound, match="the model served here is student"):
        asked.rank("user-1", ["item-1"], model="other")


def test_budget_too_small_for_the_gateway_is_a_deadline_exceeded(scripted: ScriptedGateway) -> None:
    scripted.answers(problem(504, "passed before it was admitted", field="deadline_ms"))
    with (
        Client(scripted.url, deadline_ms=30_000.0) as client,
        pytest.raises(DeadlineExceeded, match="before it was admitted") as late,
    ):
        client.rank("u", ["item-1"])
    assert late.value.status == 504


def test_too_large_a_request(asked: Asked) -> None:
    with pytest.raises(BodyTooLarge):
        asked.rank("user-1", ["item-1"], context={"placement": "x" * (1 << 20)})


def test_gateway_without_a_bundle_is_unavailable(kind: Kind) -> None:
    with (
        live_gateway(settings_for(None), wait_ready=False) as live,
        Asked(kind, str(live.base_url)) as client,
        pytest.raises(Unavailable) as refused,
    ):
        client("ready")
    assert (refused.value.status, refused.value.retry_after_s) == (503, 1.0)


def test_another_key_is_unauthorized(served: Served, kind: Kind) -> None:
    settings = settings_for(served.student, admin_token=SecretStr("secret"))
    with (
        live_gateway(settings) as live,
        Asked(kind, str(live.base_url), key="other") as client,
        pytest.raises(Unauthorized) as refused,
    ):
        client("items", [Item(item_id="item-1", status="paused")])
    assert refused.value.field == "Authorization"
    assert "other" not in str(refused.value)


def test_items_without_the_route_is_not_found(asked: Asked) -> None:
    with pytest.raises(NotFound, match="/v1/items"):
        asked("items", [Item(item_id="item-1", status="paused")])


@pytest.mark.parametrize("status", [*BY_STATUS, 301, 405, 502])
def test_every_status_has_its_error(scripted: ScriptedGateway, status: int) -> None:
    scripted.answers(problem(status, "because", field="f", value="v", remedy="mend it", extra=[1]))
    with (
        Client(scripted.url, deadline_ms=30_000.0) as client,
        pytest.raises(BY_STATUS.get(status, Refused)) as refused,
    ):
        client.rank("u", ["item-1"])
    error = refused.value
    assert (error.status, error.detail, error.title) == (status, "because", "No")
    assert (error.field, error.value, error.remedy) == ("f", "v", "mend it")


@pytest.mark.parametrize("body", [b"<html>Bad Gateway</html>", b"\xff\x00", b"[1]", b""])
def test_refusal_of_a_proxy_needs_no_problem_document(
    scripted: ScriptedGateway, body: bytes
) -> None:
    scripted.answers(say(502, body * 100))
    with Client(scripted.url, deadline_ms=30_000.0) as client, pytest.raises(Refused) as refused:
        client.rank("u", ["item-1"])
    assert refused.value.status == 502
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"{}", b"\xff", b""])
def test_answer_that_is_none_is_unreadable(scripted: ScriptedGateway, body: bytes) -> None:
    scripted.answers(say(200, body, content_type="text/html"))
    with (
        Client(scripted.url, deadline_ms=30_000.0) as client,
        pytest.raises(AnswerUnreadable, match="text/html"),
    ):
        client.rank("u", ["item-1"])


def test_answer_without_end_is_cut(
    scripted: ScriptedGateway, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "MAX_ANSWER_BYTES", 1000)
    scripted.answers(say(200, b"x" * 1001))
    with (
        Asked(kind, scripted.url, deadline_ms=30_000.0) as client,
        pytest.raises(AnswerUnreadable, match="more than 1000 bytes"),
    ):
        client.rank("u", ["item-1"])


@pytest.mark.parametrize("said", [hang_up, cut_off, say(200, b"")])
def test_connection_that_breaks_is_unreachable(
    scripted: ScriptedGateway, kind: Kind, said: object
) -> None:
    scripted.script.append(said)  # type: ignore[arg-type]
    with (
        Asked(kind, scripted.url, deadline_ms=30_000.0) as client,
        pytest.raises((Unreachable, AnswerUnreadable)) as broken,
    ):
        client.rank("u", ["item-1"])
    assert isinstance(broken.value, Unreachable) == (said in (hang_up, cut_off))


def test_port_where_nobody_listens_is_unreachable(kind: Kind) -> None:
    url = closed_port().replace("redis://", "http://")
    with Asked(kind, url, deadline_ms=5_000.0) as client, pytest.raises(Unreachable) as refused:
        client.rank("u", ["item-1"])
    assert httpx.URL(url).host in str(refused.value)
    assert refused.value.status is None


@pytest.mark.parametrize("url", ["", "127.0.0.1:8080", "redis://host", "http://", "http://[::"])
def test_url_of_no_gateway_is_refused_at_once(url: str) -> None:
    with pytest.raises(InvalidRequest, match="no URL of a gateway") as refused:
        Client(url)
    assert (refused.value.field, refused.value.value) == ("url", url)


@pytest.mark.parametrize("key", ["", "s3cret\n", "s3 cret", "s3crét"])
def test_key_that_no_header_takes_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        Client("http://127.0.0.1:8080", key=key)
    assert refused.value.field == "key"
    assert "cr" not in str(refused.value)


def test_password_of_the_url_is_not_shown(kind: Kind) -> None:
    url = closed_port().replace("redis://", "http://user:s3cret@")
    with Asked(kind, url, deadline_ms=5_000.0) as client, pytest.raises(Unreachable) as refused:
        client.rank("u", ["item-1"])
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
def test_bid_that_is_not_finite_is_refused_and_never_lost(
    gateway: httpx.Client, encoding: str
) -> None:
    candidates = [Candidate("item-1", bid=float("nan"))]
    url = str(gateway.base_url)
    with (
        Asked("blocking", url, encoding=encoding, deadline_ms=30_000.0) as client,
        pytest.raises(InvalidRequest),
    ):
        client.rank("user-1", candidates=candidates)


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
def test_value_that_cannot_be_written_is_refused_unsent(
    scripted: ScriptedGateway, encoding: str
) -> None:
    with (
        Asked("blocking", scripted.url, encoding=encoding) as client,
        pytest.raises(InvalidRequest, match="cannot be written"),
    ):
        client.rank("user-1", ["item-1"], context={"placement": object()})
    assert scripted.heard == []


def test_one_base_catches_all() -> None:
    assert {kind for kind in BY_STATUS.values() if not issubclass(kind, UnderstudyError)} == set()
