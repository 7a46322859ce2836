"""Readable at every width and in both schemes, by keyboard and by screen reader."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.chromium import DESK, PHONE, Scheme, opened, sign_in
from tests.browser.made import TOKEN, Made

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

HERE = Path(__file__).parent
CONTRAST, UNNAMED = ((HERE / f"{name}.js").read_text() for name in ("contrast", "unnamed"))


async def shown(page: Page) -> None:
    await sign_in(page, TOKEN)
    await expect(page.locator("#history li").first).to_be_visible()
    await expect(page.locator("#models tbody tr").first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_nothing_is_cut_and_everything_can_be_read(
    browser: Browser, made: Made, url: str, size: tuple[int, int], scheme: Scheme
) -> None:
    made.walk([100, 900, 3000])
    async with opened(browser, url, size, scheme) as page:
        assert await page.evaluate(CONTRAST) == []
        await shown(page)
        assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
        assert await page.evaluate(CONTRAST) == []
        assert await page.evaluate(UNNAMED) == []
        await page.locator("#acts").get_by_role("button", name="Abort").click()
        assert await page.evaluate(CONTRAST) == []


async def test_poor_contrast_and_missing_names_would_be_found(browser: Browser, url: str) -> None:
    async with opened(browser, url) as page:
        await page.evaluate("document.querySelector('h1').style.color = '#999'")
        await page.evaluate(
            "document.querySelector('#main').append(document.createElement('button'))"
        )
        [poor] = await page.evaluate(CONTRAST)
        assert poor.endswith("Understudy")
        assert len(await page.evaluate(UNNAMED)) == 1


async def test_every_act_is_reached_by_keyboard(browser: Browser, url: str) -> None:
    async with opened(browser, url) as page:
        await shown(page)
        reached: list[Any] = []
        for _ in range(20):
            await page.keyboard.press("Tab")
            reached.append(await page.evaluate("document.activeElement.textContent.trim()"))
        assert {"Sign out", "Pause", "Promote", "Abort", "Use"} <= set(reached)


async def test_headings_name_each_part(browser: Browser, url: str) -> None:
    async with opened(browser, url) as page:
        await shown(page)
        for name in ("Guardrails", "Live", "Fleet", "Models and bundles", "History"):
            await expect(page.get_by_role("region", name=name)).to_be_visible()
