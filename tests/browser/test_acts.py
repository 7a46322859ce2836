"""What an operator may do, and how it is asked before."""

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser import figures
from tests.browser.chromium import opened, sign_in
from tests.browser.made import TOKEN, Made

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


def button(page: Page, name: str) -> Locator:
    return page.locator("#acts").get_by_role("button", name=name)


async def test_abort_is_asked_first_and_escape_leaves_it(
    browser: Browser, made: Made, url: str
) -> None:
    async with opened(browser, url) as page:
        await sign_in(page, TOKEN)
        await button(page, "Abort").click()
        dialog = page.get_by_role("dialog", name="Abort the rollout?")
        await expect(dialog).to_contain_text("within a second")
        await expect(dialog.get_by_role("button", name="Leave it")).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(dialog).to_be_hidden()
        await expect(button(page, "Abort")).to_be_focused()
        assert made.asked == []


async def test_focus_stays_in_the_dialog(browser: Browser, url: str) -> None:
    async with opened(browser, url) as page:
        await sign_in(page, TOKEN)
        await button(page, "Promote").click()
        for _ in range(8):
            await page.keyboard.press("Tab")
            # From the last of it the focus goes to the browser itself, and then to the first.
            assert await page.evaluate("document.activeElement.matches('body, #ask, #ask *')")


async def test_focus_survives_snapshots(browser: Browser, made: Made, url: str) -> None:
    async with opened(browser, url) as page:
        await sign_in(page, TOKEN)
        await button(page, "Pause").focus()
        made.change(reason="another")
        await expect(page.locator("#rollout")).to_contain_text("another")
        await expect(button(page, "Pause")).to_be_focused()


async def test_pause_is_sent_with_reason_and_name(browser: Browser, made: Made, url: str) -> None:
    async with opened(browser, url) as page:
        await sign_in(page, TOKEN, by="mara")
        await button(page, "Pause").press("Enter")
        await page.get_by_label("Reason (stands in the history)").fill("looking at clicks")
        await page.get_by_role("dialog").get_by_role("button", name="Pause").click()
        await expect(page.get_by_role("dialog")).to_be_hidden()
        [(model, asked, by)] = made.asked
        assert (model, asked.act, asked.reason) == ("student", "pause", "looking at clicks")
        assert by == "mara@127.0.0.1"
        made.change(is_paused=True)
        await expect(button(page, "Resume")).to_be_visible()


async def test_act_is_bound_to_what_was_shown_when_it_was_asked(
    browser: Browser, made: Made, url: str
) -> None:
    async with opened(browser, url) as page:
        await sign_in(page, TOKEN)
        await button(page, "Promote").click()
        shown = made.rollouts[0].revision
        made.change(step=3, share=0.5)
        await expect(page.locator("#rollout-title")).to_contain_text("50 %")
        dialog = page.get_by_role("dialog")
        await dialog.get_by_role("button", name="Promote").click()
        await expect(dialog).to_be_hidden()
        assert made.asked[0][1].revision == shown


async def test_dialog_stays_while_an_act_is_on_its_way(
    browser: Browser, made: Made, url: str
) -> None:
    made.may_answer.clear()
    async with opened(browser, url) as page:
        await sign_in(page, TOKEN)
        await button(page, "Pause").click()
        dialog = page.get_by_role("dialog", name="Pause the rollout?")
        await dialog.get_by_role("button", name="Pause").click()
        await page.keyboard.press("Escape")
        await expect(dialog).to_be_visible()
        made.may_answer.set()
        await expect(dialog).to_be_hidden()


async def test_end_of_an_act_leaves_the_next_dialog_alone(
    browser: Browser, made: Made, url: str
) -> None:
    """A browser may close the first one whatever the page says."""
    made.may_answer.clear()
    async with opened(browser, url) as page:
        await sign_in(page, TOKEN)
        await button(page, "Pause").click()
        await page.get_by_role("dialog").get_by_role("button", name="Pause").click()
        await page.evaluate("document.getElementById('ask').close()")
        await button(page, "Abort").click()
        dialog = page.get_by_role("dialog", name="Abort the rollout?")
        await expect(dialog.get_by_role("button", name="Abort")).to_be_enabled()
        async with page.expect_response("**/v1/rollouts/student"):
            made.may_answer.set()
        await page.wait_for_timeout(100)
        await expect(dialog).to_be_visible()


async def test_promotion_can_skip_all_steps(browser: Browser, made: Made, url: str) -> None:
    async with opened(browser, url) as page:
        await sign_in(page, TOKEN)
        await button(page, "Promote").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog).to_contain_text("50 % of the traffic now instead of 25 %")
        await dialog.get_by_label("to all of the traffic at once").check()
        await dialog.get_by_role("button", name="Promote").click()
        await expect(dialog).to_be_hidden()
        assert made.asked[0][1].all


async def test_refusal_is_said_in_the_dialog(browser: Browser, made: Made, url: str) -> None:
    made.refuses = "the rollout is paused already"
    async with opened(browser, url) as page:
        await sign_in(page, TOKEN)
        await button(page, "Pause").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_role("button", name="Pause").click()
        await expect(dialog.get_by_role("alert")).to_contain_text("paused already")
        await expect(dialog).to_be_visible()


async def test_rollout_is_started_to_a_bundle_of_the_registry(
    browser: Browser, made: Made, url: str
) -> None:
    made.rollouts, made.transitions = [figures.idle()], []
    async with opened(browser, url) as page:
        await sign_in(page, TOKEN)
        await expect(page.locator("#start")).to_be_visible()
        await page.get_by_role("button", name=f"Use {figures.CANDIDATE}").click()
        await expect(page.get_by_label("Candidate", exact=True)).to_have_value(figures.CANDIDATE)
        await page.get_by_label("Plan", exact=True).select_option("toml")
        await page.get_by_label("Plan in TOML").fill("steps = [0.5, 1.0]")
        await page.locator("#start").get_by_role("button", name="Start").click()
        await page.get_by_role("dialog").get_by_role("button", name="Start").click()
        await expect(page.get_by_role("dialog")).to_be_hidden()
        [(_, asked, _)] = made.asked
        assert (asked.to, asked.plan) == (figures.CANDIDATE, "steps = [0.5, 1.0]")
        assert asked.revision == 0
        await expect(page.get_by_label("Candidate", exact=True)).to_have_value("")


async def test_start_is_not_offered_while_one_runs(browser: Browser, url: str) -> None:
    async with opened(browser, url) as page:
        await sign_in(page, TOKEN)
        await expect(button(page, "Pause")).to_be_visible()
        await expect(page.locator("#start")).to_be_hidden()


async def test_bundle_before_can_be_had_back_while_it_is_kept(
    browser: Browser, made: Made, url: str
) -> None:
    made.change(
        stage="done", stable=figures.CANDIDATE, previous=figures.STABLE, share=0.0,
        keep_until_ms=figures.now_ms() + 600_000,
    )  # fmt: skip
    async with opened(browser, url) as page:
        await sign_in(page, TOKEN)
        await button(page, f"Back to {figures.STABLE}").click()
        await expect(page.get_by_role("dialog", name="Go back?")).to_be_visible()


async def test_models_are_chosen_by_name(browser: Browser, made: Made, url: str) -> None:
    made.rollouts.append(figures.idle("explorer"))
    async with opened(browser, url) as page:
        await sign_in(page, TOKEN)
        await page.get_by_label("Model", exact=True).select_option("explorer")
        await expect(page.locator("#rollout-title")).to_have_text("Nothing is being rolled out")
