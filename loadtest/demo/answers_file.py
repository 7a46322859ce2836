"""Every answer of a replay, one request a line, so that any figure can be counted again."""

import json
from collections.abc import Iterable
from pathlib import Path

from loadtest.demo.replay import Replayed


def write_answers(path: Path, replayed: Iterable[Replayed]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for one in replayed:
            file.write(json.dumps(_line(one)) + "\n")


def _line(one: Replayed) -> dict[str, object]:
    return {
        "number": one.logged.number,
        "sent_s": one.sent_s,
        "user_id": one.logged.user_id,
        "candidates": len(one.logged.candidate_ids),
        "labels": [dict(shown.labels) for shown in one.logged.shown],
        "answers": {name: slate._asdict() for name, slate in one.slates.items()},
    }
