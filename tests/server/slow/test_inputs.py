from hashlib import sha256
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from server.slow.inputs import MAX_CONTEXT, MAX_ITEMS, inputs_of, item_ids
from server.wire import RankRequest

VALUES = st.one_of(st.none(), st.integers(), st.floats(), st.text(max_size=2000))


def request(**fields: Any) -> RankRequest:
    return msgspec.convert({"user_id": "user-7", "item_ids": ["a"]} | fields, RankRequest)


@given(st.dictionaries(st.text(max_size=50), VALUES, max_size=40))
def test_context_is_bounded(context: dict[str, Any]) -> None:
    kept = inputs_of(request(context=context), has_user_id=False).context
    assert sum(len(name) + len(value) for name, value in kept.items()) <= MAX_CONTEXT
    assert list(kept) == list(context)[: len(kept)]


def test_first_items_are_kept_whichever_way_they_came() -> None:
    ids = [f"item-{number}" for number in range(40)]
    asked = request(item_ids=None, candidates=[{"item_id": each} for each in ids])
    assert item_ids(asked) == ids
    for each in (asked, request(item_ids=ids)):
        assert inputs_of(each, has_user_id=False).item_ids == ids[:MAX_ITEMS]


def test_user_is_a_hash_unless_it_may_be_named() -> None:
    hashed = inputs_of(request(), has_user_id=False).user
    assert hashed == sha256(b"user-7").hexdigest()[:16]
    assert inputs_of(request(), has_user_id=True).user == "user-7"
