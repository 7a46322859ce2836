"""Guides lead where they say, and name what there is."""

import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from server.settings import PREFIX, Settings
from tests.markdown import ROOT, Link, anchors, external, links, pages, prose, reachable
from understudy import COMMANDS

INDEX: Final = ROOT / "docs" / "README.md"
FOLDERS: Final = "server|models|export|cache|loadtest|understudy_client|tests|docs|helm"
SOURCES: Final = ("server", "models", "export", "cache", "loadtest", "tests")
PAGES: Final = pages()
NOT_OURS: Final = ("127.0.0.1", "localhost", "HOST")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


every_page = pytest.mark.parametrize("page", PAGES, ids=name_of)


@every_page
def test_links_lead_to_what_is_there(page: Path) -> None:
    inside = [link for link in links(page) if not link.is_external]
    assert [link.target for link in inside if not link.path.exists()] == []
    assert [link.target for link in inside if not _is_section(link)] == []


def _is_section(link: Link) -> bool:
    return not link.anchor or (link.path.suffix == ".md" and link.anchor in anchors(link.path))


@every_page
def test_links_out_are_whole_and_encrypted(page: Path) -> None:
    """They are not fetched: `python -m tests.markdown` lists them."""
    out = [link.target for link in external() if link.page == page]
    ours = [url for url in out if any(host in url for host in NOT_OURS)]
    whole = [url for url in out if re.match(r"https://[\w.-]+\.\w+(/|$)", url)]
    assert set(out) - set(whole) - set(ours) == set()


def test_every_page_is_reached_from_the_index() -> None:
    inside = {page for page in PAGES if page.is_relative_to(ROOT / "docs")}
    assert {name_of(page) for page in inside - reachable(INDEX)} == set()


def test_every_picture_is_shown() -> None:
    shown = {link.path for page in PAGES for link in links(page)}
    drawn = {path for kind in ("png", "svg") for path in (ROOT / "docs").rglob(f"*.{kind}")}
    assert {name_of(picture) for picture in drawn - shown} == set()


@every_page
def test_settings_that_are_named_exist(page: Path) -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    named = set(re.findall(rf"\b{PREFIX}[A-Z][A-Z0-9_]*[A-Z0-9]\b", page.read_text("utf-8")))
    assert {name for name in named - known if name not in _sources()} == set()


@cache
def _sources() -> str:
    paths = [path for folder in SOURCES for path in (ROOT / folder).rglob("*.py")]
    return "\n".join(path.read_text("utf-8") for path in paths)


@every_page
def test_commands_that_are_named_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    named = set(re.findall(r"(?:^|`|\$ |bin/)understudy ([a-z]\w*)", text, re.MULTILINE))
    assert named - set(COMMANDS) == set()


@every_page
def test_files_that_are_named_exist(page: Path) -> None:
    named = set(re.findall(rf"`((?:{FOLDERS})/[\w./-]*)`", prose(page)))
    found = {path for path in named if (ROOT / path).exists() or "NAME" in path}
    assert named - found == set()


@every_page
def test_modules_that_are_named_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    for name in set(re.findall(rf"python -m ((?:{FOLDERS})[\w.]*)", text)):
        path = ROOT / name.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), name


def test_section_is_named_as_github_names_it(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A tour: `GET /v1/x`, and [more](x.md)\n## One\n```\n# none\n```\n## One\n## Ä_b - c!\n"
    )
    assert anchors(page) == {"a-tour-get-v1x-and-more", "one", "one-1", "ä_b---c"}


def test_links_in_code_are_none(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        '[a `b`](c.md#d) `[no](no)`\n```\n[no](no)\n```\n![p](q.png "t") <https://e.org/f>'
    )
    assert [link.target for link in links(page)] == ["c.md#d", "q.png", "https://e.org/f"]
