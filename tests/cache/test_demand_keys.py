from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from cache.demand_keys import ShardKeys, SpaceKeys, demand_pattern, demanded_space, shard_of


def test_keys_are_readable_and_a_script_finds_its_own_in_one_cluster_slot() -> None:
    keys = ShardKeys.of("1f2e", 3)
    assert keys.stream == b"us:stream:demand:{1f2e:3}"
    assert keys.lease == b"us:lease:{1f2e:3}"
    for group, tag in ((keys, b"{1f2e:3}"), (SpaceKeys.of("1f2e"), b"{1f2e}")):
        assert len(set(group)) == len(group)
        assert all(key.endswith(b":" + tag) for key in group)


def test_stream_tells_its_space() -> None:
    assert demanded_space(ShardKeys.of("1f:2e", 12).stream) == "1f:2e"
    assert ShardKeys.of("1f", 0).stream.startswith(demand_pattern().rstrip(b"*"))


@given(st.text(max_size=50), st.integers(1, 1024))
def test_user_has_one_shard(user_id: str, shards: int) -> None:
    assert 0 <= shard_of(user_id, shards) < shards
    assert shard_of(user_id, shards) == shard_of(user_id, shards)


def test_users_spread_over_the_shards_alike_on_every_machine() -> None:
    counts = Counter(shard_of(f"user-{number}", 16) for number in range(16_000))
    assert len(counts) == 16
    assert max(counts.values()) < 1150
    assert [shard_of(f"user-{number}", 16) for number in range(6)] == [0, 9, 4, 5, 14, 2]
