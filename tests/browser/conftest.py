from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.chromium import MISSING, chromium, launched
from tests.browser.made import Made, served


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    path = chromium()
    if path is None:
        pytest.skip(MISSING)
    async with launched(path) as browser:
        yield browser


@pytest.fixture
def made() -> Made:
    return Made()


@pytest.fixture
def url(made: Made) -> Iterator[str]:
    with served(made) as url:
        yield url
