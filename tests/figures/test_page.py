"""``python -m figures.page``: one file, whole, from committed tables alone."""

import time

import pytest

from checkpoints.console import UserError
from figures.browser.slots import LARGEST
from figures.page import Settings, main


def test_the_page_is_written_whole_small_and_soon(tmp_path, capsys):
    output = tmp_path / "page.html"
    started = time.process_time()
    main(Settings(output=output))
    assert time.process_time() - started < 20
    assert 3_000_000 < output.stat().st_size <= LARGEST
    assert capsys.readouterr().out.startswith(f"{output} (")
    with pytest.raises(UserError, match="exists and is kept; give --overwrite"):
        main(Settings(output=output))


def test_it_is_written_without_any_table_too(tmp_path):
    output = tmp_path / "page.html"
    main(Settings(output=output, tables=tmp_path / "none", policies=()))
    assert output.stat().st_size < 400_000
    assert "write it with: python -m analysis.player" in output.read_text()


@pytest.mark.parametrize("name", ["page", "page.png", "results"])
def test_a_file_that_no_browser_takes_for_a_page_is_refused(name, tmp_path):
    with pytest.raises(UserError, match=f"ends in .html, got .*{name}; browsers"):
        main(Settings(tables=tmp_path, output=tmp_path / name))
    assert not list(tmp_path.iterdir())
