"""The pictures of docs/console.md: `python -m tests.browser.pictures docs`.

Of figures made by hand, at the widths of a phone and a desk; in both schemes with `all` after it.
"""

import asyncio
import sys
from pathlib import Path

from playwright.async_api import Browser, expect

from tests.browser.chromium import DESK, MISSING, PHONE, Scheme, chromium, launched, opened, sign_in
from tests.browser.made import TOKEN, Made, served

SIZES = {"phone": PHONE, "desktop": DESK}


async def main(folder: Path, schemes: tuple[Scheme, ...], whole: bool) -> None:
    path = chromium()
    if path is None:
        sys.exit(MISSING)
    async with launched(path) as browser:
        for name in SIZES:
            for scheme in schemes:
                file = folder / f"console-{name}{'-' + scheme if len(schemes) > 1 else ''}.png"
                await picture(browser, name, scheme, file, whole)
                print(file, file.stat().st_size)  # noqa: T201


async def picture(browser: Browser, name: str, scheme: Scheme, file: Path, whole: bool) -> None:
    made = Made()
    made.walk([60 + 3 * n * n for n in range(1, 33)])
    with served(made) as url:
        async with opened(browser, url, SIZES[name], scheme) as page:
            await sign_in(page, TOKEN)
            await expect(page.locator("#models tbody tr").first).to_be_visible()
            await page.wait_for_timeout(3_000)  # for a line over time to have some
            await page.evaluate("document.activeElement.blur()")
            await page.screenshot(path=file, full_page=whole)


if __name__ == "__main__":
    every = sys.argv[2:] == ["all"]
    asyncio.run(main(Path(sys.argv[1]), ("light", "dark") if every else ("light",), every))
