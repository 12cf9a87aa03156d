"""The player in a browser, from disk: exact frames, decisions as torch has them, paint and keys."""

import hashlib

import numpy as np
import pytest
import torch

from checkpoints.policy.encoders import Policy
from checkpoints.policy.store import ZOO, load_policy
from checkpoints.world.buttons import merged
from tests.support.chromium import needs_chromium
from tests.support.page import EASEL, MOVED, PLACES, SETTLED, frames_of, shown, slide, texts

pytestmark = needs_chromium
SHOWN = (("ppo-bg9", 4194304), ("drac-twins-bg9", 2097152))
"""Methods and steps of the two policies that the page opens with."""


@pytest.mark.parametrize(("game", "variants"), [("starpilot", 13), ("coinrun", 62)])
def test_every_background_is_shown_exactly(browser, game, variants):
    if game != "starpilot":
        browser.run("[...document.querySelectorAll('#player .segments button')][0].click()")
        browser.until("document.querySelector('.controls input')?.max === '61'")
    frames = frames_of(game, variants)
    for state in (0, len(frames) - 1):
        slide(browser, 1, state)
        for variant in range(variants):
            slide(browser, 0, variant)
            np.testing.assert_array_equal(shown(browser), frames[state, variant])


def decisions(policy: Policy, frames: np.ndarray) -> np.ndarray:
    """Probabilities of starpilot's buttons."""
    with torch.no_grad():
        logits, _ = policy(torch.from_numpy(np.ascontiguousarray(frames)))
    return merged(logits.softmax(-1).numpy(), "starpilot")


def test_the_slider_moves_decisions_as_torch_has_them(browser):
    frames = frames_of("starpilot", 13)
    own = int(browser.run("document.querySelector('.controls input').value"))
    state = int(browser.run("document.querySelectorAll('.controls input')[1].value"))
    slide(browser, 0, 3)
    found = browser.run(MOVED)
    for told, (name, step) in zip(found, SHOWN, strict=True):
        policy, _ = load_policy(ZOO / f"starpilot/{name}/0/peer0/step{step}.safetensors")
        p, q = decisions(policy, frames[state, [own, 3]])
        assert told == pytest.approx(0.5 * np.abs(p - q).sum(), abs=0.0051)
    assert found[0] > found[1]


def test_each_policy_shows_the_hash_of_its_file(browser):
    said = texts(browser, ".decision .from")
    for text, (name, step) in zip(said, SHOWN, strict=True):
        content = (ZOO / f"starpilot/{name}/0/peer0/step{step}.safetensors").read_bytes()
        assert hashlib.sha256(content).hexdigest()[:16] in text
        assert "trained on 9 backgrounds" in text


def test_tv_on_every_background_is_drawn_gradually(browser):
    browser.until(
        "[...document.querySelectorAll('.shifts .tall')].every((r) => r.height.baseVal.value > 0)"
    )
    browser.until("!document.querySelector('.shifts title').textContent.includes('–')")
    titles = browser.run(
        "[...document.querySelectorAll('.shifts title')].map((t) => t.textContent)"
    )
    assert len(titles) == 26
    assert sum(", its own" in title for title in titles) == 2
    assert sum("not seen in training" in title for title in titles) == 8
    assert all("TV 0.00" in title for title in titles if ", its own" in title)


def test_a_click_on_a_bar_moves_the_background(browser):
    browser.click(".shifts g.column:nth-of-type(6) .catch")
    assert browser.run("document.querySelector('.controls input').value") != "12"


# -- pointer and keys ------------------------------------------------------------------------


def test_paint_moves_the_decision_is_marked_and_comes_off(browser):
    before = shown(browser)
    x, y = browser.middle(".easel canvas")
    browser.drag((x - 60, y), (x - 20, y + 10), (x + 60, y + 30))
    browser.run(SETTLED)
    painted = shown(browser)
    changed = (painted != before).any(-1)
    assert 100 < changed.sum() < 400
    lines = np.flatnonzero(changed.any(0))
    assert (np.diff(lines) == 1).all()  # a stroke without gaps, however far the pointer jumped
    assert (painted[changed] == (0xF2, 0xEF, 0xE6)).all()
    assert max(browser.run(MOVED)) > 0
    assert "Off distribution" in browser.run("document.querySelector('.off').textContent")
    browser.click(".tools .plain")
    np.testing.assert_array_equal(shown(browser), before)
    assert browser.run("document.querySelector('.off')") is None


def test_the_frame_is_painted_and_erased_with_keys(browser):
    before = shown(browser)
    browser.run(f"{EASEL}.focus()")
    for key in ("ArrowLeft", "ArrowUp", "ArrowUp", "Enter"):
        browser.press(key)
    browser.run(SETTLED)
    places = np.argwhere((shown(browser) != before).any(-1))
    assert places.mean(0) == pytest.approx([30, 31], abs=1.01)
    browser.run("document.querySelectorAll('.tools .segments button')[1].click()")
    browser.run(f"{EASEL}.focus()")
    for key in ("ArrowLeft", "ArrowUp", "ArrowUp", "Enter"):
        browser.press(key)
    browser.run(SETTLED)
    assert (shown(browser) != before).any(-1).sum() < len(places)


def test_keys_turn_the_background_step_and_play(browser):
    variant, state = browser.run(PLACES)
    browser.press("[")
    browser.press(",")
    browser.run(SETTLED)
    assert browser.run(PLACES) == [variant - 1, state - 1]
    browser.press("]")
    browser.press("]")
    browser.run(SETTLED)
    assert browser.run(PLACES)[0] == (variant + 1) % 13
    browser.press("p")
    browser.until(f"({PLACES})[1] > {state + 1}")
    browser.press("p")
    browser.run("document.querySelector('.controls input').focus()")
    browser.press("Home")
    browser.run(SETTLED)
    assert browser.run(PLACES)[0] == 0
