import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cache.keys import (
    page_key,
    page_name,
    page_pattern,
    pair_keys,
    record_key,
)

user_ids = st.text(min_size=1, max_size=40)


def hash_tag(key: bytes) -> bytes:
    """As a cluster reads it: between the first brace and the first closing one after it."""
    begin = key.index(b"{")
    return key[begin + 1 : key.index(b"}", begin)]


@given(user_ids)
def test_all_keys_of_a_user_share_one_slot(user_id: str) -> None:
    tags = {hash_tag(page_key(user_id, "a")), hash_tag(page_key(user_id, "b"))}
    assert tags == {hash_tag(record_key(user_id))}
    assert tags != {b""}


@given(user_ids, user_ids)
def test_two_users_never_share_a_key(one: str, other: str) -> None:
    assert (record_key(one) == record_key(other)) == (one == other)
    assert (page_key(one, "s") == page_key(other, "s")) == (one == other)


def test_ordinary_ids_stay_readable() -> None:
    assert page_key("user-42", "1f2e") == b"us:p:{user-42}:1f2e"
    assert record_key("u}:{x") == b"us:u:{u%7D%3A%7Bx}"


@given(user_ids, st.text(max_size=20))
def test_key_of_a_page_tells_its_user_and_space(user_id: str, space: str) -> None:
    assert page_name(page_key(user_id, space)) == (user_id, space)


@given(st.one_of(st.binary(max_size=30), st.binary(max_size=30).map(b"us:p:{".__add__)))
def test_key_that_is_no_pages_has_no_name(key: bytes) -> None:
    name = page_name(key)
    assert name is None or page_key(*name) == key


def test_other_keys_of_a_user_and_other_spellings_have_no_name() -> None:
    for key in (record_key("u"), b"us:p:{%61}:s", b"us:p:{a}", b"us:p:{a:b}:s", b"us:p:{\xff}:s"):
        assert page_name(key) is None


def test_patterns_take_glob_characters_of_a_space_literally() -> None:
    assert page_pattern() == b"us:p:{*}:*"
    assert page_pattern("u:*") == b"us:p:{u%3A%2A}:*"
    assert page_pattern(space="a*[b]?\\") == rb"us:p:{*}:a\*\[b\]\?\\"


@given(st.lists(st.integers(0, (1 << 64) - 1), unique=True, max_size=50), st.lists(st.integers(0)))
def test_items_never_collide_within_a_context(items: list[int], context: list[int]) -> None:
    keys = pair_keys(np.array(items, np.uint64), context)
    assert len(np.unique(keys)) == len(items)


def test_pair_depends_on_every_context_column_and_its_place() -> None:
    items = np.array([1, 2, 3], np.uint64)
    contexts = [(), (5,), (6,), (5, 6), (6, 5), (0, 5), (5, 0)]
    keys = np.stack([pair_keys(items, context) for context in contexts])
    assert len(np.unique(keys)) == keys.size


def test_pair_keys_are_the_same_on_every_machine() -> None:
    keys = pair_keys(np.array([1, 1 << 63], np.uint64), [7, (1 << 64) - 1])
    assert keys.tolist() == [18393513456346343970, 5013641847856205417]
