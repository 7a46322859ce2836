import polars as pl
import pytest

from models.data.errors import LogInvalid
from models.data.log import Log
from models.data.sources import open_source
from models.data.user_sample import of_users


@pytest.fixture(scope="module")
def log() -> Log:
    return open_source("adworld:impressions=4000,seed=3")


def test_the_users_that_are_kept_keep_all_their_impressions(log: Log) -> None:
    sampled = of_users(log, 0.5).validate()
    kept = sampled.users["user_id"]
    assert 0.3 < len(kept) / len(log.users) < 0.7
    assert sampled.impressions.equals(log.impressions.filter(pl.col("user_id").is_in(kept)))


def test_a_larger_sample_holds_the_smaller_one(log: Log) -> None:
    small, large = (set(of_users(log, share).users["user_id"]) for share in (0.2, 0.6))
    assert small < large


def test_lists_of_requests_that_are_gone_go_with_them(log: Log) -> None:
    requests = log.impressions.group_by("request_id", maintain_order=True).agg(
        candidates=pl.col("item_id")
    )
    offered = Log(
        log.schema, log.periods, "", log.impressions, log.items, log.users, requests
    ).validate()
    sampled = of_users(offered, 0.5).validate()
    assert sampled.requests is not None
    assert set(sampled.requests["request_id"]) == set(sampled.impressions["request_id"])


def test_a_sample_without_a_user_is_refused_by_its_share(log: Log) -> None:
    with pytest.raises(LogInvalid, match=r"0 of .* users are none"):
        of_users(log, 0.0)


def test_provenance_tells_how_many_were_left(log: Log) -> None:
    sampled = of_users(log, 0.5)
    assert f"Of {len(sampled.users):,} of its {len(log.users):,} users" in sampled.provenance
