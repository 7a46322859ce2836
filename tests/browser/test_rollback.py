"""A harmful student on a real gateway under load, rolled back while somebody watches."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.browser.chromium import opened, sign_in
from tests.server.rollout.harm.kinds import KINDS, good
from tests.server.rollout.harm.site import Seen, Site
from tests.server.rollout.harm.site import opened as site_opened
from tests.server.rollout.harm.test_rollouts import PLAN, RATE

pytestmark = [
    pytest.mark.redis,
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),
]

TOKEN = "of the test"
WITHIN_MS = 120_000.0


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("UNDERSTUDY_ADMIN_TOKEN", TOKEN)
    with site_opened(tmp_path / "site", good(tmp_path / "good"), gateways=1) as site:
        yield site


async def test_rollback_is_watched_live(browser: Browser, site: Site, tmp_path: Path) -> None:
    harmful, seen = KINDS["inverted"].build(tmp_path / "harmful"), list[Seen]()
    rolling = threading.Thread(
        target=lambda: seen.append(asyncio.run(site.roll_out(harmful, PLAN, RATE)))
    )
    async with opened(browser, site.gateways[0].url) as page:
        await sign_in(page, TOKEN)
        rolling.start()
        alarm, rail = page.locator("#alarm"), page.locator(".rail")
        await expect(alarm).to_contain_text("agreement", timeout=WITHIN_MS)
        await expect(rail.locator(".broken")).to_contain_text("shadow")
        await page.locator("#history summary").first.click()
        await expect(page.locator("#history tr.breached").first).to_contain_text("Agreement")
        await asyncio.to_thread(rolling.join)
    assert seen[0].state.stage == "rolled_back"
    assert seen[0].share_of("canary") == 0.0
