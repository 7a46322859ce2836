import json
from pathlib import Path
from typing import Any

import pytest

from loadtest.errors import ReplayInvalid
from loadtest.replay_log import read_replay


def _line(timestamp_ms: int, **request: Any) -> dict[str, Any]:
    body = {"user_id": "u1", "timestamp_ms": timestamp_ms, "item_ids": ["a", "b"]} | request
    return {"request": body, "shown": [{"item_id": "a", "position": 0, "labels": {"click": 1}}]}


def _file(folder: Path, *lines: dict[str, Any]) -> Path:
    path = folder / "replay.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_lines_become_requests_in_order(tmp_path: Path) -> None:
    candidates = [{"item_id": "c", "bid": 1.0}, {"item_id": "d"}]
    second = _line(20, candidates=candidates)
    del second["request"]["item_ids"]
    first, last = read_replay(_file(tmp_path, _line(10), second))
    assert (first.number, first.timestamp_ms, first.user_id) == (0, 10, "u1")
    assert first.shown[0].labels == {"click": 1}
    assert list(last.candidate_ids) == ["c", "d"]


def test_limit_leaves_the_rest_unread(tmp_path: Path) -> None:
    assert len(read_replay(_file(tmp_path, _line(10), _line(20), _line(5)), limit=2)) == 2


def test_time_that_goes_backwards_names_the_line(tmp_path: Path) -> None:
    with pytest.raises(ReplayInvalid, match=r"replay\.jsonl:2 is earlier"):
        read_replay(_file(tmp_path, _line(10), _line(9)))


def test_missing_or_empty_file_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ReplayInvalid, match="understudy export"):
        read_replay(tmp_path / "replay.jsonl")
    with pytest.raises(ReplayInvalid, match="no requests"):
        read_replay(_file(tmp_path))


@pytest.mark.parametrize("text", ["{", "[]", '{"request": {}, "shown": []}', "7"])
def test_unreadable_line_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "replay.jsonl"
    path.write_text(text + "\n")
    with pytest.raises(ReplayInvalid, match="unreadable line"):
        read_replay(path)
