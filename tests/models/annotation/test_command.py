"""What the options of `understudy annotate` ask for, what it prints, and what it refuses."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from models.annotation import command
from models.annotation.record import AnnotationRecord, LogRecord
from models.annotation.service import Order
from models.replay.cache import CacheRules
from understudy import build

RECORD = AnnotationRecord(
    space="0123456789abcdef",
    checkpoint="f" * 64,
    seed=0,
    rules=CacheRules(),
    logs={
        "feed": LogRecord(folder="/feed", digest="a", examples=1_200),
        "search": LogRecord(folder="/search", digest="b", examples=300),
    },
    unique=1_400,
    pairs=3_456,
)
WORDS = ("--teacher", "RUN", "--out", "OUT")


@pytest.fixture
def orders(monkeypatch: pytest.MonkeyPatch) -> list[Order]:
    found = list[Order]()

    def note(order: Order, _: object) -> AnnotationRecord:
        found.append(order)
        return RECORD

    monkeypatch.setattr(command, "annotate_logs", note)
    return found


def annotate(*words: str) -> tuple[int, str]:
    arguments = ("annotate", *words)
    result = CliRunner().invoke(build(arguments), arguments, prog_name="understudy")
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_logs_are_told_by_name(orders: list[Order]) -> None:
    logs = ("--log", "feed=a/feed", "--log", "search=b=c")
    assert annotate(*WORDS, *logs, "--seed", "4")[0] == 0
    named = {"feed": Path("a/feed"), "search": Path("b=c")}
    assert orders == [Order(teacher=Path("RUN"), logs=named, out=Path("OUT"), seed=4)]


def test_table_counts_examples_by_log_and_together(orders: list[Order]) -> None:
    code, output = annotate(*WORDS, "--log", "feed=a")
    assert code == 0
    title, *rows = [line.split() for line in output.splitlines() if line.strip()]
    assert title == ["OUT:", "space", RECORD.space]
    assert [row[-1] for row in rows if row[-1][0].isdigit()] == ["1,200", "300", "1,400", "3,456"]


def test_json_is_the_record_with_the_sum(orders: list[Order]) -> None:
    code, output = annotate(*WORDS, "--log", "feed=a", "--json")
    assert code == 0
    assert json.loads(output) == {**RECORD.model_dump(), "examples": 1_500}


@pytest.mark.parametrize(
    ("logs", "complaint"),
    [
        (("feed",), "--log feed: give NAME=FOLDER"),
        (("=a",), "--log =a: give NAME=FOLDER"),
        (("../feed=a",), "--log ../feed=a: give NAME=FOLDER"),
        (("teacher=a",), "and not blocks or teacher"),
        (("feed=a", "feed=b"), "--log feed=b: feed is a already"),
    ],
)
def test_names_that_cannot_be_folders_of_their_own_are_refused(
    logs: tuple[str, ...], complaint: str, orders: list[Order]
) -> None:
    code, output = annotate(*WORDS, *(word for log in logs for word in ("--log", log)))
    assert code == 2
    assert complaint in " ".join(output.replace("│", " ").split())
    assert not orders
