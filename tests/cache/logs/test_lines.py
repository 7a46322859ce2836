import json
import logging
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.logs.lines import MAX_TEXT, ConsoleLines, JsonLines, bounded
from cache.logs.masking import Mask
from tests.cache.logs.records import failed, record

WHO = {"role": "gateway", "worker": 3}
JSON = JsonLines(WHO, Mask(["hunter2-hunter2"]))
CONSOLE = ConsoleLines(WHO, Mask(["hunter2-hunter2"]))


def line_of(made: logging.LogRecord) -> dict[str, Any]:
    text = JSON.format(made)
    assert "\n" not in text
    return dict(json.loads(text))


def test_line_names_time_level_logger_role_and_worker() -> None:
    line = line_of(record("drained in %g s", 2.5, level=logging.WARNING))
    stamp = line.pop("timestamp")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", stamp)
    assert line == {
        "level": "warning",
        "logger": "a.b",
        "message": "drained in 2.5 s",
        "role": "gateway",
        "worker": 3,
    }


def test_record_of_a_request_names_it_and_its_trace() -> None:
    line = line_of(record(request_id="r-1", trace_id="abc", repeated=None))
    assert (line["request_id"], line["trace_id"]) == ("r-1", "abc")
    assert "repeated" not in line


def test_exception_is_text_within_bounds_and_in_one_line() -> None:
    line = line_of(failed(ValueError("x" * 50_000)))
    assert line["exception"].startswith("Traceback")
    assert len(line["exception"]) < MAX_TEXT + 100
    assert "characters" in line["exception"]


def test_facts_stand_beside_the_message_and_never_in_place_of_its_fields() -> None:
    line = line_of(record(facts={"pairs.computed": 5, "level": 1, "ratio": float("nan")}))
    assert (line["pairs.computed"], line["level"], line["ratio"]) == (5, "info", None)


def test_secret_is_hidden_wherever_it_stands() -> None:
    made = failed(
        OSError("redis://user:other@host/0 refused hunter2-hunter2"),
        "cannot reach rediss://:pa:ss@host:1",
        facts={"reason": "Authorization: Bearer abc.def"},
    )
    for text in (JSON.format(made), CONSOLE.format(made)):
        assert "hunter2" not in text
        assert "other" not in text
        assert "pa:ss" not in text
        assert "abc.def" not in text
        assert "rediss://***@host:1" in text


def test_console_has_a_line_a_record_and_its_exception_below() -> None:
    text = CONSOLE.format(failed(ValueError("no"), "two\nlines", request_id="r-1"))
    head, *below = text.splitlines()
    assert head.endswith("gateway 3 ERROR a.b: two\\nlines request_id=r-1")
    assert below[-1] == "ValueError: no"


@pytest.mark.parametrize("odd", ["\n", "\r", "\r\n", "\u2028", "\x85", "\x1b[2K"])
def test_console_says_one_line_whoever_chose_its_words(odd: str) -> None:
    forged = f"x{odd}2026-11-26T19:04:11.532Z gateway 3 INFO a.b: all is well"
    for made in (record("%s", forged), record(request_id=forged), record(facts={"reason": forged})):
        text = CONSOLE.format(made)
        assert len(text.splitlines()) == 1
        assert odd not in text


@pytest.mark.parametrize(
    "word", ["hunter2-hunter2", "redis://:pass-word@host", "x.token=pass-word"]
)
@pytest.mark.parametrize("offset", range(0, 28, 3))
def test_secret_is_not_shown_by_half_where_a_text_is_cut(word: str, offset: int) -> None:
    text = "-" * offset + word * (200_000 // len(word))
    for line in (JSON.format(record("%s", text)), CONSOLE.format(record(facts={"reason": text}))):
        assert len(line) < MAX_TEXT + 200
        assert not re.search("hunter|unter2|nter2-|pass|ass-w|-word|word@", line)


@given(st.text(), st.dictionaries(st.text(), st.one_of(st.text(), st.floats(), st.integers())))
def test_any_text_is_one_line_of_json(text: str, facts: dict[str, Any]) -> None:
    made = record("%s", text, facts=facts)
    line = line_of(made)
    assert line["role"] == "gateway"
    assert set(facts) <= set(line)


@given(st.text(max_size=40_000))
def test_bounded_text_keeps_both_ends(text: str) -> None:
    kept = bounded(text)
    assert len(kept) <= MAX_TEXT + 40
    assert kept[:100] == text[:100]
    assert text.endswith(kept[-100:])
