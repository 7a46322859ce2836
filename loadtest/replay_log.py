"""Held-out requests in time order: what `understudy export` leaves in replay.jsonl."""

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from loadtest.errors import ReplayInvalid

MAX_LINE_BYTES: Final = 4 << 20


class Shown(NamedTuple):
    """An impression of the log, with what came of it by task."""

    item_id: str
    position: int
    labels: Mapping[str, int]


class LoggedRequest(NamedTuple):
    number: int
    body: Mapping[str, Any]  # of POST /v1/rank
    shown: tuple[Shown, ...]

    @property
    def timestamp_ms(self) -> int:
        return int(self.body["timestamp_ms"])

    @property
    def candidate_ids(self) -> Sequence[str]:
        if "item_ids" in self.body:
            ids: Sequence[str] = self.body["item_ids"]
            return ids
        return [candidate["item_id"] for candidate in self.body["candidates"]]

    @property
    def user_id(self) -> str:
        return str(self.body["user_id"])


def read_replay(path: Path, limit: int | None = None) -> list[LoggedRequest]:
    """Raises ReplayInvalid for a missing file, an unreadable line or times that go backwards."""
    requests = list(_parse(path, limit))
    if not requests:
        raise ReplayInvalid(f"{path} holds no requests: export with a longer test window")
    for before, after in itertools.pairwise(requests):
        if after.timestamp_ms < before.timestamp_ms:
            raise ReplayInvalid(f"{path}:{after.number + 1} is earlier than the line before it")
    return requests


def _parse(path: Path, limit: int | None) -> Iterator[LoggedRequest]:
    try:
        with path.open("rb") as file:
            for index, line in enumerate(iter(lambda: file.readline(MAX_LINE_BYTES), b"")):
                if limit is not None and index >= limit:
                    return
                yield _request(index, json.loads(line))
    except OSError as error:
        raise ReplayInvalid(f"{path}: {error.strerror}: run `understudy export`") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ReplayInvalid(f"{path} has an unreadable line: {error!r}; export again") from error


def _request(index: int, line: Mapping[str, Any]) -> LoggedRequest:
    shown = tuple(Shown(s["item_id"], s["position"], s["labels"]) for s in line["shown"])
    int(line["request"]["timestamp_ms"])
    return LoggedRequest(index, line["request"], shown)
