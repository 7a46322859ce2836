from prometheus_client import CollectorRegistry, generate_latest

from cache.refresh.tally import Tally


def test_counts_and_levels_are_exposed() -> None:
    tally = Tally("refresh")
    tally.add("pairs", "computed", 5)
    tally.add("pairs", "computed", 2)
    tally.add("pairs", "fresh", 1)
    tally.levels["backlog"] = 3
    tally.labelled["shard_backlog", "shard"] = {"0": 1.0, "1": 2.0}
    registry = CollectorRegistry()
    registry.register(tally)
    lines = generate_latest(registry).decode().splitlines()
    assert 'understudy_refresh_pairs_total{outcome="computed"} 7.0' in lines
    assert 'understudy_refresh_pairs_total{outcome="fresh"} 1.0' in lines
    assert "understudy_refresh_backlog 3.0" in lines
    assert 'understudy_refresh_shard_backlog{shard="1"} 2.0' in lines


def test_log_line_is_flat() -> None:
    tally = Tally("refresh")
    tally.add("seconds", "teacher", 0.12345)
    tally.add("pairs", "fresh", 0)
    assert tally.flat() == {"seconds.teacher": 0.123}
