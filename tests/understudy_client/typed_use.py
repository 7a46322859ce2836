"""What a type checker says of a caller's code. Never run: `mypy` reads it, and an `ignore` below
that no longer hides an error is one."""

from collections.abc import Sequence
from typing import assert_type

from understudy_client.async_client import AsyncClient
from understudy_client.client import Client
from understudy_client.wire import Candidate, Coverage, Event, EventsAccepted, Ranking, Ready


def blocking(ads: Sequence[str], bids: Sequence[float]) -> None:
    with Client("http://127.0.0.1:8080", key="k", deadline_ms=60) as client:
        ranking = client.rank("u", ads, context={"placement": "feed", "width": 320}, top_k=3)
        assert_type(ranking, Ranking)
        assert_type(ranking.item_ids, tuple[str, ...])
        assert_type(ranking.values, tuple[float, ...] | None)
        assert_type(ranking.coverage, Coverage)
        assert_type(ranking.stages_ms, dict[str, float])
        candidates = [Candidate(ad, bid) for ad, bid in zip(ads, bids, strict=True)]
        assert_type(client.rank("u", candidates=candidates, deadline_ms=20), Ranking)
        assert_type(client.ready(), Ready)
        shown = Event(event_id="e", type="click", user_id="u", item_id=ranking.item_ids[0])
        assert_type(client.events([shown]), EventsAccepted)


async def asynchronous(ads: Sequence[str]) -> None:
    async with AsyncClient("http://127.0.0.1:8080") as client:
        assert_type(await client.rank("u", ads, diversity=0.3), Ranking)
        assert_type(await client.ready(), Ready)


def mistaken(client: Client, ranking: Ranking) -> None:
    client.rank(7, ["item-1"])  # type: ignore[arg-type]
    client.rank("u", ["item-1"], top_k="three")  # type: ignore[arg-type]
    client.rank("u", ["item-1"], topk=3)  # type: ignore[call-arg]
    client.rank("u", candidates=["item-1"])  # type: ignore[list-item]
    client.rank("u", ["item-1"], priority="urgent")  # type: ignore[arg-type]
    client.events([{"event_id": "e"}])  # type: ignore[list-item]
    Client("http://127.0.0.1:8080", encoding="xml")  # type: ignore[arg-type]
    ranking.scores = ()  # type: ignore[misc]
