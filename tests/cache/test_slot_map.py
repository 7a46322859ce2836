from typing import Any

import pytest

from cache.address import Node
from cache.errors import StoreUnavailable
from cache.slot_map import SLOTS, SlotMap, redirected

ASKED = Node("here", 7000)


def part(first: int, last: int, host: bytes | None, port: int) -> list[Any]:
    return [first, last, [host, port, b"id", []], [b"replica", 1, b"id", []]]


def test_each_slot_has_the_master_that_was_told() -> None:
    slots = SlotMap.read([part(0, 99, b"a", 1), part(100, SLOTS - 1, b"b", 2)], ASKED)
    assert [slots.master(slot) for slot in (0, 99, 100, SLOTS - 1)] == [
        Node("a", 1), Node("a", 1), Node("b", 2), Node("b", 2),
    ]  # fmt: skip
    assert slots.masters() == {Node("a", 1), Node("b", 2)}


def test_slot_of_nobody_is_none() -> None:
    slots = SlotMap.read([part(5, 6, b"a", 1)], ASKED)
    assert [slots.master(slot) for slot in (4, 5, 7)] == [None, Node("a", 1), None]


@pytest.mark.parametrize("host", [None, b""])
def test_node_without_an_address_is_the_one_that_was_asked(host: bytes | None) -> None:
    assert SlotMap.read([part(0, 9, host, 5)], ASKED).master(0) == Node("here", 5)


def test_slot_that_moved_is_known_before_the_next_map() -> None:
    slots = SlotMap.read([part(0, 9, b"a", 1)], ASKED)
    slots.moved(3, Node("b", 2))
    assert [slots.master(slot) for slot in (2, 3)] == [Node("a", 1), Node("b", 2)]


@pytest.mark.parametrize(
    "told", [None, 7, b"OK", [1], [[0]], [[0, 1, None]], [[0, 1, [b"a", b"x"]]],
             [part(0, SLOTS, b"a", 1)], [part(-1, 5, b"a", 1)]]
)  # fmt: skip
def test_what_is_no_map_is_unavailable(told: Any) -> None:
    with pytest.raises(StoreUnavailable, match="here:7000"):
        SlotMap.read(told, ASKED)


def test_redirection_without_a_host_stays_at_it() -> None:
    assert redirected("::1:7001", ASKED) == Node("::1", 7001)
    assert redirected(":7001", ASKED) == Node("here", 7001)
