"""The page's files: all of them, nothing from elsewhere, under a strict policy."""

import re
from collections.abc import Iterator

import httpx
import pytest

from server.console.assets import PAGE, STATIC
from tests.browser.made import Made, served

FILES = {path.name: path.read_text(encoding="utf-8") for path in STATIC.iterdir()}


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with served(Made()) as url, httpx.Client(base_url=url) as client:
        yield client


def test_page_needs_no_token_and_says_nothing(client: httpx.Client) -> None:
    page = client.get("/console")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "student" not in page.text


def test_policy_lets_nothing_in_but_the_page_s_own(client: httpx.Client) -> None:
    policy = client.get("/console").headers["Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == rules["form-action"] == rules["frame-ancestors"] == "'none'"
    assert rules["script-src"] == rules["connect-src"] == "'self'"
    assert "unsafe" not in policy


def test_files_hold_nothing_that_the_policy_forbids() -> None:
    page = FILES[PAGE]
    assert re.findall(r"<script(?![^>]* src=)|<style| style=| on\w+=", page) == []
    for name, text in FILES.items():
        assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)", text) == [], name
        assert re.findall(r"innerHTML|outerHTML|insertAdjacent|\beval\(|new Function", text) == []


def test_every_file_that_is_named_is_answered(client: httpx.Client) -> None:
    named = set(re.findall(r'(?:src|href)="console/([\w.]+)"', FILES[PAGE]))
    for text in FILES.values():
        named |= set(re.findall(r'from "\./([\w.]+)"', text))
    assert named == FILES.keys() - {PAGE}
    for name in named:
        answered = client.get(f"/console/{name}")
        assert answered.text == FILES[name]
        assert answered.headers["X-Content-Type-Options"] == "nosniff"


def test_file_that_is_held_already_is_not_sent_again(client: httpx.Client) -> None:
    tag = client.get("/console/main.js").headers["ETag"]
    again = client.get("/console/main.js", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/console/none.js", "/console/..%2fhub.py"])
def test_nothing_else_of_the_folder_is_answered(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_files_are_short() -> None:
    assert [name for name, text in FILES.items() if text.count("\n") > 250] == []
