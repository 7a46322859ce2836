import numpy as np
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from models.features.hashing import key64, keys64

TEXT = st.text(max_size=40)


@given(TEXT)
def test_a_key_is_a_nonzero_uint64_and_never_changes(text: str) -> None:
    assert 0 < key64(text) < 1 << 64
    assert key64(text) == key64(text)


@given(st.lists(TEXT, max_size=20))
def test_many_keys_equal_one_at_a_time(texts: list[str]) -> None:
    keys = keys64(texts)
    assert keys.dtype == np.uint64
    assert keys.tolist() == [key64(text) for text in texts]


def test_keys_are_those_already_stored() -> None:
    """A changed value would orphan every page and user record written before."""
    assert key64("ad-1") == xxhash.xxh3_64_intdigest(b"ad-1")
    assert key64("") == 0x2D06800538D394C2
    assert key64("läuft") == xxhash.xxh3_64_intdigest("läuft".encode())
