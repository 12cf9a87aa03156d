"""Data goes into the page as text: nothing of it is read as HTML, and nothing is lost."""

import base64
import json
import math
import re

import pytest

from checkpoints.console import UserError
from figures.browser import slots
from figures.browser.slots import APP, FILES, SLOT, as_script, filled

HOSTILE = '</script><script>alert(1)</script><!--<img src=x onerror="alert(2)">\u2028'
FORM = f"<body>{SLOT}<script>run()</script>{FILES}</body>"


def data_of(page: str) -> object:
    """What a browser would hand to JSON.parse."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_hostile_text_ends_no_element_and_comes_back_as_it_was():
    page = filled(FORM, {"id": HOSTILE, HOSTILE: [HOSTILE]}, {})
    assert data_of(page) == {"id": HOSTILE, HOSTILE: [HOSTILE]}
    assert page.count("<script") == FORM.count("<script")
    assert "alert" not in re.sub(r'id="data">.*?</script>', "", page, flags=re.DOTALL)


def test_numbers_that_are_none_become_null():
    import numpy as np

    given = {"a": math.nan, "b": (np.float64(0.5), np.int64(3), np.bool_(True), -math.inf)}
    assert json.loads(as_script(given)) == {"a": None, "b": [0.5, 3, True, None]}


def test_files_are_carried_whole():
    content = bytes(range(256)) * 3
    page = filled(FORM, {}, {"policy-0": content})
    found = re.search(r'id="policy-0">([^<]*)</script>', page)
    assert found is not None
    assert base64.b64decode(found[1]) == content
    assert FILES not in page


def test_a_name_that_would_break_out_is_refused():
    with pytest.raises(ValueError, match="no name for a slot"):
        filled(FORM, {}, {'a"><b': b""})


@pytest.mark.parametrize("form", [FORM.replace(SLOT, ""), FORM + SLOT, FORM.replace(FILES, "")])
def test_a_form_without_its_slots_is_refused(form):
    with pytest.raises(
        UserError, match=r"expected the slot .* once, found it [02] times; build it"
    ):
        filled(form, {}, {})


def test_a_page_that_grew_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(slots, "LARGEST", 10_000)
    with pytest.raises(UserError, match=r"at most 0.01 MB, got 0.0 MB; name fewer policies"):
        filled(FORM, {}, {"policy-0": b"0" * 9_000})


def test_the_committed_form_is_empty_small_and_asks_for_nothing():
    app = APP.read_text(encoding="utf-8")
    assert app.count(SLOT) == app.count(FILES) == 1
    assert len(app.encode()) <= 400_000
    assert "default-src 'none'" in app
    # Names of XML dialects are no addresses.
    addresses = set(re.findall(r"https?://[\w./-]+", app))
    assert {one for one in addresses if not one.startswith("http://www.w3.org/")} == set()
