"""Every key of the store, and the identity of a pair within a page. See docs/cache.md."""

import re
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

import numpy as np

from cache.arrays import U64

ITEMS_TABLE: Final = b"us:items"
ITEMS_STREAM: Final = b"us:stream:items"
EVENTS_STREAM: Final = b"us:stream:events"
SERVED_STREAM: Final = b"us:stream:served"
DEAD_STREAM: Final = b"us:stream:dead"
CATALOGUE_STREAM: Final = b"us:stream:catalogue"
CATALOGUE_TABLE: Final = b"us:catalogue:{us:stream:catalogue}"
"""One script writes both: the hash tag is the stream's whole key, so they share a cluster slot."""

_MASK: Final = (1 << 64) - 1
_CONTEXT_SEED: Final = 0x243F6A8885A308D3
# Stafford's mix 13, as in SplitMix64: a bijection, so two items never share a key in one context.
_FACTOR_1: Final = np.uint64(0xBF58476D1CE4E5B9)
_FACTOR_2: Final = np.uint64(0x94D049BB133111EB)
_SHIFT_1, _SHIFT_2, _SHIFT_3 = np.uint64(30), np.uint64(27), np.uint64(31)
_BACK_1, _BACK_2 = (np.uint64(pow(int(each), -1, 1 << 64)) for each in (_FACTOR_1, _FACTOR_2))


class PageName(NamedTuple):
    user_id: str
    space: str


def page_key(user_id: str, space: str) -> bytes:
    return f"us:p:{{{_escaped(user_id)}}}:{space}".encode()


def neighbour_key(user_id: str, space: str) -> bytes:
    """Shares the hash tag of the user's pages, and is read with them."""
    return f"us:n:{{{_escaped(user_id)}}}:{space}".encode()


def record_key(user_id: str) -> bytes:
    """Shares the hash tag of the user's pages: one cluster slot, one round trip."""
    return f"us:u:{{{_escaped(user_id)}}}".encode()


def page_name(key: bytes) -> PageName | None:
    """Whose page this is the key of; None for what page_key does not make."""
    return _name(key, page_key)


def neighbour_name(key: bytes) -> PageName | None:
    """As page_name, of what neighbour_key makes."""
    return _name(key, neighbour_key)


def page_pattern(user_id: str | None = None, space: str | None = None) -> bytes:
    """A glob of keys of pages, None standing for all. It may match a few more: see page_name."""
    return _pattern("p", user_id, space)


def neighbour_pattern(user_id: str | None = None, space: str | None = None) -> bytes:
    """As page_pattern, of what neighbours lend: see neighbour_name."""
    return _pattern("n", user_id, space)


def item_slices_table(space: str) -> bytes:
    return f"us:z:{{{space}}}".encode()


def item_means_stream(space: str) -> bytes:
    return f"us:stream:z:{{{space}}}".encode()


def stream_pattern() -> bytes:
    return b"us:stream:*"


def pair_keys(item_keys: U64, context_keys: Iterable[int]) -> U64:
    """`[N]` item keys → `[N]` page keys under one request's context (all its category keys)."""
    return pair_keys_under(item_keys, np.uint64(context_fold(context_keys)))


def pair_keys_under(item_keys: U64, folds: U64 | np.uint64) -> U64:
    """As pair_keys, of many requests: `folds` is the context_fold of each candidate's own."""
    mixed: U64 = item_keys ^ folds
    mixed ^= mixed >> _SHIFT_1
    mixed *= _FACTOR_1
    mixed ^= mixed >> _SHIFT_2
    mixed *= _FACTOR_2
    mixed ^= mixed >> _SHIFT_3
    return mixed


def context_folds(pair_keys: U64, item_keys: U64) -> U64:
    """`[N]`: the context_fold that each item's pair key was made under."""
    mixed = _unshifted(pair_keys, _SHIFT_3) * _BACK_2
    mixed = _unshifted(mixed, _SHIFT_2) * _BACK_1
    folds: U64 = _unshifted(mixed, _SHIFT_1) ^ item_keys
    return folds


def _unshifted(mixed: U64, shift: np.uint64) -> U64:
    """x of x ^ (x >> shift), where three times the shift is more than all bits."""
    unshifted: U64 = mixed ^ (mixed >> shift) ^ (mixed >> (shift + shift))
    return unshifted


def context_fold(context_keys: Iterable[int]) -> int:
    """Order matters: the first context column's value is not the second's."""
    folded, factor = _CONTEXT_SEED, int(_FACTOR_1)
    for key in context_keys:
        folded = ((folded ^ int(key)) * factor) & _MASK
        folded ^= folded >> 29
    return folded


def _name(key: bytes, make: Callable[[str, str], bytes]) -> PageName | None:
    user, brace, space = key.decode(errors="replace")[len("us:p:{") :].partition("}:")
    name = PageName(unquote(user, errors="surrogatepass"), space)
    return name if brace and make(*name) == key else None


def _pattern(kind: str, user_id: str | None, space: str | None) -> bytes:
    user = "*" if user_id is None else _escaped(user_id)
    return f"us:{kind}:{{{user}}}:{_taken_literally(space)}".encode()


def _taken_literally(space: str | None) -> str:
    return "*" if space is None else re.sub(r"([*?\[\]\\])", r"\\\1", space)


def _escaped(user_id: str) -> str:
    # A brace in an id would end the hash tag early, a colon could forge another key.
    if user_id.isascii() and user_id.isalnum():
        return user_id
    return quote(user_id, safe="", errors="surrogatepass")
