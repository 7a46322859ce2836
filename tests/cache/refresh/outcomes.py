"""What became of all that was asked, once all of it is settled."""

from tests.cache.refresh.live_space import LiveSpace


async def outcomes(space: LiveSpace) -> dict[str, int]:
    """Those that any pair had; and that the account closes."""
    account = await space.account()
    assert account.unsettled == 0
    assert await space.waiting() == 0
    return {name: count for name, count in account.counts().items() if count}
