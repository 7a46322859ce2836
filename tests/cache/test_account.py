from cache.account import Account, Outcome


def test_account_closes_when_every_pair_has_an_outcome() -> None:
    held = {b"demanded": b"10", b"computed": b"4", b"fresh": b"3", b"recomputed": b"2"}
    assert Account.read(held).unsettled == 3
    assert Account.read(held | {b"trimmed": b"3"}).unsettled == 0


def test_accounts_of_shards_add_up() -> None:
    total = Account.total(
        [
            Account.read({b"demanded": b"5", b"computed": b"5", b"recomputed": b"1"}),
            Account.read({b"demanded": b"2", b"dead": b"2"}),
            Account.read({}),
        ]
    )
    assert (total.demanded, total.recomputed, total.unsettled) == (7, 1, 0)
    assert total.outcomes[Outcome.COMPUTED] == 5
    assert total.counts()["dead"] == 2
