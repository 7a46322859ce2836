"""What an operator sees and does, in a real browser."""

import msgspec
import pytest
from playwright.async_api import Browser, Page, expect

from server.rollout_wire import Transition
from tests.browser import figures
from tests.browser.chromium import opened, sign_in
from tests.browser.made import TOKEN, Made, served

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


async def test_wrong_token_is_refused_with_what_to_do(browser: Browser, url: str) -> None:
    async with opened(browser, url) as page:
        await sign_in(page, "guess")
        await expect(page.locator("#login-error")).to_contain_text("UNDERSTUDY_ADMIN_TOKEN")
        await expect(page.locator("#board")).to_be_hidden()


async def test_token_is_kept_for_the_tab_and_forgotten_on_leaving(
    browser: Browser, url: str
) -> None:
    async with opened(browser, url) as page:
        await sign_in(page, TOKEN)
        await expect(page.locator("#link-text")).to_have_text("live")
        await page.reload()
        await expect(page.locator("#link-text")).to_have_text("live")
        assert TOKEN not in page.url
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_label("Admin token")).to_be_focused()
        held = await page.evaluate("JSON.stringify(sessionStorage) + document.cookie")
        assert TOKEN not in held


async def test_rail_says_where_the_rollout_is(browser: Browser, url: str) -> None:
    async with opened(browser, url) as page:
        await sign_in(page, TOKEN)
        stops = page.get_by_role("list", name="Stages").get_by_role("listitem")
        await expect(stops).to_have_count(8)
        here = page.locator('[aria-current="step"]')
        await expect(here).to_contain_text("25 %")
        await expect(page.locator("#rollout-title")).to_contain_text("25 % of the traffic")


async def test_guardrails_have_their_figures_and_their_way_so_far(
    browser: Browser, made: Made, url: str
) -> None:
    made.walk([100, 400, 900, 1800, 3000])
    async with opened(browser, url) as page:
        await sign_in(page, TOKEN)
        p50 = page.locator('.guard[data-key="total_p50"]')
        await expect(p50).to_contain_text("within margin")
        drawn = p50.get_by_role("img")
        told = "Latency p50: within margin. Harm +2.6 %"
        assert told in (await drawn.get_attribute("aria-label") or "")
        line = await p50.locator("path.line").get_attribute("d") or ""
        assert line.count("L") >= 4  # not only since the page was opened
        await expect(page.locator('.guard[data-key="clicks"]')).to_contain_text("not known yet")


async def test_live_figures_of_all_lanes_are_shown(browser: Browser, url: str) -> None:
    async with opened(browser, url) as page:
        await sign_in(page, TOKEN)
        canary = page.locator(".lane").filter(has_text="canary")
        total = canary.get_by_role("row").filter(has=page.get_by_role("rowheader", name="total"))
        await expect(total).to_contain_text("3.55")
        await expect(page.locator("#live")).to_contain_text("4 workers of this gateway")
        await expect(page.locator("#live")).to_contain_text("cache: timeout")


async def test_transition_is_announced_once(browser: Browser, made: Made, url: str) -> None:
    async with opened(browser, url) as page:
        await sign_in(page, TOKEN)
        await expect(page.locator("#rollout-title")).to_contain_text("25 %")
        await expect(page.get_by_role("status").first).to_be_empty()
        made.change(step=3, share=0.5, reason="25 % is over")
        await expect(page.locator("#said")).to_have_text(
            "student-9bd2e4c01a55 answers 50 % of the traffic. 25 % is over"
        )
        made.change(stage="rolled_back", share=0.0, reason="clicks: at least 19 % worse")
        await expect(page.locator("#alarm")).to_contain_text("clicks: at least 19 % worse")


async def test_rail_shows_where_it_broke(browser: Browser, made: Made, url: str) -> None:
    last = figures.transitions()[0]
    made.transitions.insert(0, rolled_back(last))
    made.change(stage="rolled_back", share=0.0, step=0, verdict=None, reason="clicks")
    async with opened(browser, url) as page:
        await sign_in(page, TOKEN)
        await expect(page.locator(".rail .broken")).to_contain_text("25 %")
        await page.locator("#history summary").first.click()
        row = page.locator("#history tr.breached").first
        await expect(row).to_contain_text("Clicks")


def rolled_back(last: Transition) -> Transition:
    return msgspec.structs.replace(
        last, id="9-0", from_stage="canary", from_step=2, to_stage="rolled_back", to_step=0,
        share=0.0, reason="clicks: at least 19 % worse", verdict=figures.broken(4000),
    )  # fmt: skip


async def test_page_says_that_its_news_is_old_and_recovers(browser: Browser, made: Made) -> None:
    with served(made) as url:
        async with opened(browser, url) as page:
            await sign_in(page, TOKEN)
            await expect(page.locator("#link-text")).to_have_text("live")
            await stopped_and_begun_again(page, made, int(url.rpartition(":")[2]))


async def stopped_and_begun_again(page: Page, made: Made, port: int) -> None:
    await page.route("**/console/live", lambda route: route.abort())
    made.is_ending = True
    await expect(page.locator("#stale")).to_contain_text("What you see is from then")
    await expect(page.locator("#link")).to_have_attribute("data-state", "lost")
    made.is_ending = False
    await page.unroute("**/console/live")
    await expect(page.locator("#link-text")).to_have_text("live", timeout=20_000)
    await expect(page.locator("#stale")).to_be_hidden()


async def test_redis_away_is_said(browser: Browser, made: Made, url: str) -> None:
    made.change(is_following=False)
    async with opened(browser, url) as page:
        await sign_in(page, TOKEN)
        await expect(page.locator("#stale")).to_contain_text("Redis is away")


async def test_fleet_names_who_is_silent_and_who_lags(browser: Browser, url: str) -> None:
    async with opened(browser, url) as page:
        await sign_in(page, TOKEN)
        rows = page.locator("#fleet tbody tr")
        await expect(rows.nth(2)).to_contain_text("silent for 44 s")
        await expect(rows.nth(3)).to_contain_text("at revision 6 of 7")
        await expect(page.locator("#fleet")).to_contain_text("3 of 4 processes alive")


async def test_history_that_cannot_be_had_is_not_asked_for_with_each_snapshot(
    browser: Browser, made: Made, url: str
) -> None:
    made.history_fails = True
    async with opened(browser, url) as page:
        await sign_in(page, TOKEN)
        await expect(page.locator("#history")).to_contain_text("cannot be had")
        asked = made.models_asked
        await page.wait_for_timeout(1_500)  # 15 snapshots
        assert made.histories == 1
        assert made.models_asked == asked
        made.history_fails = False
        await expect(page.locator("#history ol")).to_be_visible(timeout=10_000)
