from hypothesis import given
from hypothesis import strategies as st

from understudy_client.server_timing import parse

NAMES = st.sampled_from(["queue", "cache", "features", "inference", "rerank", "total"])


def test_entries_without_a_duration_are_left_out() -> None:
    assert parse('cache;desc="hit";dur=0.4, miss, total;dur=1') == {"cache": 0.4, "total": 1.0}


def test_no_header_is_no_stages() -> None:
    assert parse("") == {}


@given(st.dictionaries(NAMES, st.integers(0, 10**7).map(lambda us: us / 1000)))
def test_what_is_written_is_read_back(stages: dict[str, float]) -> None:
    header = ", ".join(f"{name};dur={spent}" for name, spent in stages.items())
    assert parse(header) == stages


@given(st.text())
def test_whatever_a_proxy_writes_is_no_error(header: str) -> None:
    assert all(isinstance(spent_ms, float) for spent_ms in parse(header).values())
