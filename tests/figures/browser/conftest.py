"""The page, written once and opened anew for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from figures.page import Settings, main
from tests.support.chromium import Browser
from tests.support.page import IDS


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page as it is shipped, with fewer policies."""
    output = tmp_path_factory.mktemp("page") / "page.html"
    main(Settings(output=output, policies=IDS))
    return output


@pytest.fixture(scope="module")
def one() -> Iterator[Browser]:
    """One browser for the tests of a file."""
    with Browser() as started:
        yield started


@pytest.fixture
def browser(one: Browser, page: Path) -> Iterator[Browser]:
    """The page, opened; at the end it has asked for nothing and complained of nothing."""
    one.open(page)
    one.until("!!document.querySelector('.easel')")
    yield one
    asked = [url for url in one.requests if not url.startswith(("data:", "blob:"))]
    assert asked == [page.as_uri()]
    assert one.complaints == []
