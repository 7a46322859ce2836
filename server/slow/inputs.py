"""What is kept of a slow request's inputs: bounded, and no more of its user than is allowed."""

from hashlib import sha256
from typing import Final

from server.slow.wire import SlowInputs
from server.wire import RankRequest, Values

MAX_CONTEXT: Final = 1024
"""Characters of names and values."""
MAX_ITEMS: Final = 16
DIGITS: Final = 16


def inputs_of(request: RankRequest, *, has_user_id: bool) -> SlowInputs:
    return SlowInputs(
        request.user_id if has_user_id else hashed(request.user_id),
        _bounded(request.context),
        item_ids(request)[:MAX_ITEMS],
    )


def hashed(user_id: str) -> str:
    """As `printf %s USER | sha256sum` begins."""
    return sha256(user_id.encode(errors="replace")).hexdigest()[:DIGITS]


def item_ids(request: RankRequest) -> list[str]:
    if request.item_ids is not None:
        return request.item_ids
    return [candidate.item_id for candidate in request.candidates or ()]


def _bounded(context: Values) -> dict[str, str]:
    kept, room = {}, MAX_CONTEXT
    for name, value in context.items():
        text = "" if value is None else str(value)
        if len(name) > room:
            break
        kept[name] = text[: room - len(name)]
        room -= len(name) + len(kept[name])
    return kept
