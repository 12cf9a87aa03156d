"""Files dropped onto the page: read in the browser, shown beside others, or refused in words."""

from pathlib import Path

import torch

from checkpoints.policy.store import ZOO, read_tensors, write_tensors
from figures.browser.beside import BESIDE
from tests.support.chromium import needs_chromium
from tests.support.page import MOVED, SETTLED, TABLES, drop, slide, texts

pytestmark = needs_chromium
SHIPPED = ZOO / "starpilot/ppo/1/peer0/step2097152.safetensors"
REFUSED = "#own .refused"
CHOSEN = "document.querySelectorAll('.decision select')[1].selectedOptions[0].textContent"
LINES = "[...document.querySelectorAll('.beside ol')].map((one) => one.children.length)"


def hostile(path: Path) -> Path:
    """A whole policy whose id is HTML."""
    tensors, header = read_tensors(SHIPPED)
    evil = "<img src=x onerror=window.hit=1>/<b>bold</b>/0/peer0/step9"
    name = "starpilot/ppo/1/peer0/step2097152"
    write_tensors(tensors, {"twinscope": header["twinscope"].replace(name, evil)}, path)
    return path


def test_a_dropped_policy_plays_beside_the_others_and_its_id_stays_text(browser, tmp_path):
    drop(browser, hostile(tmp_path / "evil.safetensors"))
    browser.until(f"{CHOSEN}.startsWith('yours: ')")
    assert "<b>bold" in browser.run("document.querySelector('#own').textContent")
    assert browser.run("document.querySelector('#own img, #own b, .decision img')") is None
    assert browser.run("window.hit") is None
    assert texts(browser, REFUSED) == []
    slide(browser, 0, 4)
    assert browser.run(MOVED)[1] > 0


def test_a_damaged_file_gets_a_sentence_and_the_page_goes_on(browser, tmp_path):
    whole = SHIPPED.read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[:50_000])
    (tmp_path / "old.pt").write_bytes(b"PK\x03\x04")
    (tmp_path / "plain.csv").write_text("a,b\n1,2\n")
    drop(browser, *sorted(tmp_path.iterdir()))
    said = sorted(texts(browser, REFUSED))
    assert len(said) == 3
    assert "cut.safetensors: it is cut short or damaged" in said[0]
    assert "old.pt: pickled weights are not opened" in said[1]
    assert "plain.csv: it is no table of this project" in said[2]
    slide(browser, 0, 2)
    assert len(browser.run(MOVED)) == 2


def test_a_policy_of_another_world_says_why_it_cannot_play(browser, tmp_path):
    from safetensors.torch import save_file

    tensors, _ = read_tensors(SHIPPED)
    tensors |= {"actor.weight": torch.zeros(4, 256), "actor.bias": torch.zeros(4)}
    save_file(tensors, tmp_path / "four.safetensors")
    drop(browser, tmp_path / "four.safetensors")
    browser.until("document.querySelector('.decision .refused') !== null")
    said = browser.run("document.querySelector('.decision .refused').textContent")
    assert "it chooses among 4 actions; this world has 15" in said


def test_an_unknown_encoder_is_refused_where_it_is_dropped(browser, tmp_path):
    tensors, header = read_tensors(SHIPPED)
    made = header["twinscope"].replace('"encoder": "nature"', '"encoder": "vit"')
    assert made != header["twinscope"]
    write_tensors(tensors, {"twinscope": made}, tmp_path / "vit.safetensors")
    drop(browser, tmp_path / "vit.safetensors")
    (said,) = texts(browser, REFUSED)
    assert said.startswith("vit.safetensors: its encoder is “vit”; this page runs nature, impala,")
    assert texts(browser, "#own .taken") == []


def test_a_file_with_the_id_of_a_shipped_policy_is_not_taken_for_it(browser, tmp_path):
    tensors, header = read_tensors(ZOO / "starpilot/drac-twins-bg9/0/peer0/step2097152.safetensors")
    still = tensors | {"actor.weight": torch.zeros_like(tensors["actor.weight"])}
    for change, moved in ((tensors, True), (still, False), (tensors, True)):
        write_tensors(change, header, tmp_path / "mine.safetensors")
        drop(browser, tmp_path / "mine.safetensors")
        browser.until(f"{CHOSEN}.startsWith('yours: drac-twins-bg9')")
        slide(browser, 0, 4)
        assert (browser.run(MOVED)[1] > 0) is moved
    assert len(texts(browser, "#own .taken")) == 1


def test_every_table_of_the_page_is_drawn_beside_the_shipped_one(browser):
    names = sorted(BESIDE, key=lambda schema: schema.name)
    drop(browser, *(TABLES / f"{name.name}.csv" for name in names))
    assert texts(browser, REFUSED) == []
    captions = texts(browser, ".beside figcaption")
    assert sorted(text.split(":")[0] for text in captions) == [f"{s.name}.csv" for s in names]
    for caption, lines in zip(captions, browser.run(LINES), strict=True):
        assert lines > 0 and lines % 2 == 0, caption  # the same rows twice: shipped, and dropped


def test_hostile_tables_are_text_and_break_nothing(browser, tmp_path):
    evil = "<img src=x onerror=window.hit=1><b>bold</b>"
    looks = (TABLES / "looks.csv").read_text().replace("coinrun,second", f"{evil},constructor")
    (tmp_path / "looks.csv").write_text(looks)
    head = (TABLES / "emergence.csv").read_text().splitlines()
    row = head[2].split(",")
    names = ("__proto__", "constructor", evil)
    rows = [",".join([row[0], f"{name}/{name}/0", name, *row[3:]]) for name in names]
    (tmp_path / "emergence.csv").write_text("\n".join([*head[:2], *rows]) + "\n")
    for name in ("constructor", "__proto__"):
        (tmp_path / f"{name}.csv").write_text(f'# {{"schema": "{name}"}}\n{name},{evil}\n=1+1,2\n')
    drop(browser, *sorted(tmp_path.iterdir()))
    assert texts(browser, REFUSED) == []
    assert evil in texts(browser, ".beside li")[-1]
    assert "“constructor” has no chart on this page" in texts(browser, "#own")[0]
    assert "=1+1" in texts(browser, "#own td")
    assert browser.run("document.querySelector('main img, #own b')") is None
    assert browser.run("window.hit") is None
    slide(browser, 0, 2)
    assert len(browser.run(MOVED)) == 2


def test_a_folder_of_results_stands_beside_what_is_shipped(browser, tmp_path):
    results = tmp_path / "results"
    results.mkdir()
    for name in ("invariance", "emergence", "samples", "twins"):
        (results / f"{name}.csv").write_bytes((TABLES / f"{name}.csv").read_bytes())
    drop(browser, results)
    text = browser.run("document.querySelector('#own').textContent")
    assert "stand as “yours” in the contrast" in text
    assert "twins.csv: 16 rows; “twins” has no chart on this page." in text
    assert browser.run("document.querySelectorAll('.beside li').length") > 10
    assert "yours" in browser.run("document.querySelector('.contrast').textContent")
    assert texts(browser, REFUSED) == []
    browser.resize(390, 844)
    browser.run(SETTLED)
    rights = browser.run(
        "[...document.querySelectorAll('.beside svg')].map((e) => e.getBoundingClientRect().right)"
    )
    assert max(rights) <= 390
    browser.colours(dark=False, media="print")  # charts that paper leaves out have no width
    browser.resize(800, 1100)
    assert browser.run("document.querySelector('#own').offsetWidth") == 0
    browser.colours(dark=False)
