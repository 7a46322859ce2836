import pytest

from server.access.key_ring import KeyRing
from server.errors import Unauthorized
from tests.server.access.keys import key, shown


def test_whoever_shows_a_secret_holds_its_key() -> None:
    ring = KeyRing()
    ring.take([key("feed"), key("search", priority="low")])
    assert ring.holder(shown("feed")).key.name == "feed"
    assert ring.holder(shown("search")).is_low


@pytest.mark.parametrize("secret", [None, "", "fee", "feed2", "FEED"])
def test_whoever_shows_another_is_nobody(secret: str | None) -> None:
    ring = KeyRing()
    ring.take([key("feed")])
    with pytest.raises(Unauthorized) as refused:
        ring.holder(shown(secret))
    assert "feed" not in refused.value.detail


def test_digest_itself_is_no_secret() -> None:
    ring = KeyRing()
    ring.take([key("feed")])
    with pytest.raises(Unauthorized):
        ring.holder(shown(key("feed").sha256))


def test_scheme_other_than_bearer_is_none() -> None:
    ring = KeyRing()
    ring.take([key("feed")])
    with pytest.raises(Unauthorized, match="carries no"):
        ring.holder({"type": "http", "headers": [(b"authorization", b"Basic feed")]})


def test_taking_keys_again_keeps_what_was_spent_of_an_unchanged_quota() -> None:
    ring = KeyRing(lambda: 0.0)
    ring.take([key("feed", candidates_per_s=100.0), key("search", candidates_per_s=100.0)])
    for name in ("feed", "search"):
        assert ring.holder(shown(name)).over_quota_s(100) == 0.0
    ring.take([key("feed", candidates_per_s=100.0), key("search", candidates_per_s=200.0)])
    assert ring.holder(shown("feed")).over_quota_s(100) > 0
    assert ring.holder(shown("search")).over_quota_s(100) == 0.0


def test_key_that_is_gone_is_nobodys() -> None:
    ring = KeyRing()
    ring.take([key("feed")])
    ring.take([key("search")])
    with pytest.raises(Unauthorized):
        ring.holder(shown("feed"))
