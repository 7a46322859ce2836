"""What an operator may name, and what is said of that which is none."""

import pytest

from server.rollout.candidate import MAX_WHERE, find_candidate
from server.rollout.errors import ActRefused


@pytest.mark.parametrize(
    ("to", "why"),
    [
        ("x" * 300, "File name too long: give a serving folder .*, or NAME-VERSION"),
        ("/" + "x" * 300, "File name too long"),
        ("/proc/1/root", "Permission denied|serving.json"),
        ("a\0b", "holds no serving.json"),
        ("/\ud800", "holds no serving.json"),
        ("/" * (MAX_WHERE + 1), f"give {MAX_WHERE} at most"),
    ],
)
def test_what_is_no_bundle_is_refused_with_its_reason(to: str, why: str) -> None:
    with pytest.raises(ActRefused, match=why):
        find_candidate(to, None)
