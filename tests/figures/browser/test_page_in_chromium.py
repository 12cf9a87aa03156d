"""The whole page in a browser: names, colours, sizes, paper, and what the study's parts do."""

import shutil

import numpy as np
import pytest

from figures.browser.slots import APP
from figures.kit.ledger import ledger
from figures.page import Settings, main
from tests.support.chromium import Browser, needs_chromium
from tests.support.page import IDS, SETTLED, TABLES, texts

pytestmark = needs_chromium


def test_everything_to_press_has_a_name_and_is_reached_by_tab(browser):
    nameless = browser.run(
        "[...document.querySelectorAll('button, select, input, a, canvas[tabindex]')].filter((e) =>"
        "!(e.ariaLabel || e.textContent.trim() || e.labels?.[0]?.textContent.trim()))"
        ".map((e) => e.outerHTML)"
    )
    assert nameless == []
    pictures = "[...document.querySelectorAll('svg[role=img], canvas')]"
    assert browser.run(f"{pictures}.every((one) => one.ariaLabel.length > 10)")
    browser.press("Tab")
    assert browser.run("document.activeElement.textContent") == "to the content"
    live = browser.run("document.querySelector('[aria-live]').textContent")
    assert "background 12. ppo-bg9 · seed 0 · 4.2 M steps: " in live


AXE = APP.parent / "node_modules" / "axe-core" / "axe.min.js"
FOUND = """axe.run(document, {resultTypes: ["violations"]}).then(({violations}) =>
    violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 90))}`))"""


@pytest.mark.skipif(
    not AXE.is_file(), reason="axe-core is missing: npm ci --prefix figures/browser/front"
)
@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)])
def test_axe_finds_nothing_that_keeps_readers_out(browser, width, dark):
    browser.resize(width, 900)
    browser.colours(dark=dark)
    browser.until(f"document.documentElement.dataset.scheme === '{'dark' if dark else 'light'}'")
    browser.run("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    browser.run(AXE.read_text() + ";0")
    assert browser.run(FOUND) == []
    browser.run("document.querySelector('.top .plain').replaceChildren()")
    browser.run("document.querySelector('.top .plain').removeAttribute('aria-label')")
    assert any(one.startswith("button-name: ") for one in browser.run(FOUND))
    browser.colours(dark=False)


# -- colours, sizes, print -------------------------------------------------------------------


def lightness(browser: Browser, selector: str, what: str) -> float:
    """Of a colour, 0 to 255."""
    said = browser.run(f"getComputedStyle(document.querySelector('{selector}')).{what}")
    return float(np.mean([float(part) for part in said[said.index("(") + 1 : -1].split(",")[:3]]))


def test_both_colour_schemes_can_be_read_and_chosen(browser):
    for dark in (False, True):
        browser.colours(dark=dark)
        browser.until(
            f"document.documentElement.dataset.scheme === '{'dark' if dark else 'light'}'"
        )
        paper = lightness(browser, "html", "backgroundColor")
        ink = lightness(browser, ".lead", "color")
        assert (paper < 40) if dark else (paper > 230)
        assert abs(paper - ink) > 110
    browser.click(".top .plain")
    browser.until("document.documentElement.dataset.scheme === 'light'")
    browser.colours(dark=False)


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (820, 1180), (390, 844), (320, 640)])
def test_nothing_is_wider_than_the_window(browser, width, height):
    browser.resize(width, height)
    browser.run(SETTLED)
    browser.until(f"document.documentElement.scrollWidth <= {width}")
    wide = browser.run(
        "[...document.querySelectorAll('main p, main h2, main select, main button')]"
        ".filter((e) => { const b = e.getBoundingClientRect();"
        "return b.width && !e.closest('.scroll, .hidden') &&"
        f"b.right > {width} + 1; }}).map((e) => e.outerHTML.slice(0, 80))"
    )
    assert wide == []


def test_on_paper_tools_are_left_out(browser):
    browser.colours(dark=True, media="print")
    assert lightness(browser, "html", "backgroundColor") == 255
    assert browser.run("getComputedStyle(document.querySelector('.tools')).display") == "none"
    assert browser.run("getComputedStyle(document.querySelector('.decision')).display") != "none"
    assert browser.run("getComputedStyle(document.querySelector('.take')).display") == "none"
    widest = "Math.max(...[...document.querySelectorAll('main svg')].map((e) => e.clientWidth))"
    wide = browser.run(widest)
    browser.run("window.dispatchEvent(new Event('beforeprint'))")
    assert browser.run(f"{SETTLED}.then(() => {widest})") <= 640
    browser.run("window.dispatchEvent(new Event('afterprint'))")
    assert browser.run(f"{SETTLED}.then(() => {widest})") == wide
    browser.colours(dark=False)


# -- the study -------------------------------------------------------------------------------


def test_training_moves_with_one_slider_and_cells_name_their_pair(browser):
    panels = "[...document.querySelectorAll('.panel svg[role=img]')].map((one) => one.ariaLabel)"
    before = browser.run(panels)
    assert len(before) >= 9
    browser.run("document.querySelector('#training input[type=range]').focus()")
    for _ in range(3):
        browser.press("ArrowLeft")
    browser.run(SETTLED)
    assert all(a != b for a, b in zip(before, browser.run(panels), strict=True))
    browser.run("document.querySelectorAll('.matrix button')[1].click()")
    browser.run(SETTLED)
    said = browser.run("document.querySelector('.pair .note').textContent")
    assert "mutual · seed 0 · 2.1 M steps and mutual · seed 0, peer 1 · 2.1 M steps" in said


def test_rows_leave_as_csv_and_latex(browser):
    browser.run(
        "navigator.clipboard.writeText = (t) => { window.copied = t; return Promise.resolve(); };"
        "URL.createObjectURL = (b) => { b.text().then((t) => (window.saved = t)); return '#'; }"
    )
    browser.run("document.querySelectorAll('#claims .take button')[0].click()")
    browser.run("document.querySelectorAll('#claims .take button')[1].click()")
    latex = browser.until("window.copied")
    assert latex.startswith("\\begin{tabular}")
    assert "\\toprule" in latex and "$\\times$ 0.44 [0.27, 0.71]" in latex
    saved = browser.until("window.saved")
    assert saved.startswith("claim,decided by,mutual,PPO,mutual to PPO,")
    assert '"× 0.44 [0.27, 0.71]"' in saved


def test_the_second_sample_is_told_and_its_runs_can_be_taken(browser):
    said = texts(browser, ".answer .second")[0]
    assert said.startswith("The second sample, coinrun (")
    assert len(texts(browser, ".answer tbody tr")) > 2
    names = texts(browser, ".answer .source a")
    assert names == ["contrasts.csv", "figure", "looks.csv", "figure", "looks_runs.csv"]


def test_every_claim_has_a_verdict_and_links_to_what_is_there(browser, page):
    chips = texts(browser, ".chip")
    _, said, controls = ledger(TABLES)
    assert len(chips) == len(said)
    assert all(map(str.startswith, said["verdict"], chips))
    kinds = {"supported", "not decidable here", "says the same", "says otherwise", "look 1"}
    assert set(chips) == kinds
    assert len(texts(browser, ".seeing tbody tr")) == len(controls)
    links = browser.run(
        "[...document.querySelectorAll('#claims a')].map((one) => one.getAttribute('href'))"
    )
    assert links and all((page.parent / link).resolve().is_file() for link in set(links))


def test_a_page_without_tables_says_what_writes_each_part(one, tmp_path):
    output = tmp_path / "page.html"
    main(Settings(output=output, tables=tmp_path))
    one.open(output)
    said = texts(one, ".missing")
    for command in ("analysis.player", "analysis.contrasts", "analysis.emergence", "analysis.cka"):
        assert any(f"write it with: python -m {command}" in text for text in said)
    assert one.complaints == []


def test_html_in_tables_is_shown_as_text(one, tmp_path):
    evil = "</script><img src=x onerror=window.hit=1><b>bold</b>"
    tables = tmp_path / "tables"
    shutil.copytree(TABLES, tables, ignore=shutil.ignore_patterns("*.png"))
    for name, old, new in (
        ("player", "the episode with", evil),
        ("contrasts", ",mutual-bg9,", f",mutual-bg9{evil},"),
        ("cka", "/ppo/", "/ppo<b>bold<b>/"),
    ):
        text = (tables / f"{name}.csv").read_text()
        (tables / f"{name}.csv").write_text(text.replace(old, new))
    main(Settings(output=tmp_path / "page.html", tables=tables, policies=IDS))
    one.open(tmp_path / "page.html")
    one.until("!!document.querySelector('.easel')")
    assert "<b>bold</b>" in texts(one, ".note.rule")[0]
    assert "<b>bold</b>" in texts(one, ".contrast")[0]
    assert "<b>bold" in texts(one, ".matrix")[0]
    assert one.run("document.querySelector('main img, .matrix b')") is None
    assert one.run("window.hit") is None
    assert one.complaints == []
