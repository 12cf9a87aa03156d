"""Worlds of files in the player: exact frames, untrained networks, a reader's own policy."""

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from checkpoints.policy.encoders import Policy
from tests.support.chromium import Browser, needs_chromium
from tests.support.page import EASEL, MOVED, TABLES, drop, slide, texts

pytestmark = needs_chromium
WORLDS = {"crafter-grass": (64, 64), "atari-maze": (210, 160), "mujoco-floor": (64, 64)}
PIXELS = f"""(() => {{
    const [w, h] = [{EASEL}.width, {EASEL}.height];
    const copy = new OffscreenCanvas(w, h).getContext('2d', {{willReadFrequently: true}});
    copy.drawImage({EASEL}, 0, 0);
    const rgb = copy.getImageData(0, 0, w, h).data.filter((_, i) => i % 4 < 3);
    let text = '';
    for (const one of rgb) text += String.fromCharCode(one);
    return btoa(text);
}})()"""


def choose(browser: Browser, name: str) -> None:
    """Go to a world, and wait until it is drawn."""
    browser.run(
        "[...document.querySelectorAll('#player .segments button')]"
        f".find((one) => one.textContent === '{name}').click()"
    )
    browser.until(f"{EASEL}?.ariaLabel.includes(' of {name} on ')")


def frames_of(name: str) -> np.ndarray:
    """(state, variant, h, w, 3) out of the committed picture."""
    content = (TABLES / "player" / f"{name}.webp").read_bytes()
    sheet = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    height, width = WORLDS[name]
    return sheet.reshape(6, height, -1, width, 3).transpose(2, 0, 1, 3, 4)


@pytest.mark.parametrize("name", WORLDS)
def test_every_variant_is_shown_exactly_by_its_name(browser, name):
    choose(browser, name)
    frames = frames_of(name)
    for state in (0, len(frames) - 1):
        slide(browser, 1, state)
        for variant in range(6):
            slide(browser, 0, variant)
            raw = base64.b64decode(browser.run(PIXELS))
            found = np.frombuffer(raw, np.uint8).reshape(*WORLDS[name], 3)
            np.testing.assert_array_equal(found, frames[state, variant])
    assert texts(browser, ".controls .slide b")[0].startswith("5, ")
    assert f"of {len(frames)}" in texts(browser, ".controls .slide small")[1]


def test_untrained_networks_stand_where_no_policy_is_shipped_and_say_so(browser):
    choose(browser, "atari-maze")
    chosen = texts(browser, ".decision select option:checked")
    assert chosen == ["untrained · seed 0", "untrained · seed 1"]
    assert all("never trained" in text for text in texts(browser, ".decision .from"))
    assert "No policy for this world is shipped" in texts(browser, ".note.rule")[0]
    assert len(texts(browser, ".decision .buttons tr")) == 18
    slide(browser, 0, 3)
    assert max(browser.run(MOVED)) < 0.02


def test_a_world_of_continuous_actions_is_looked_at_only(browser):
    choose(browser, "mujoco-floor")
    assert "Actions are continuous here" in texts(browser, ".continuous")[0]
    assert texts(browser, ".decision, .tools, .shifts figure") == []
    slide(browser, 0, 3)
    assert "variant 3, dusk" in browser.run("document.querySelector('[aria-live]').textContent")


def own_policy() -> tuple[Policy, dict[str, torch.Tensor]]:
    """Weights of a Nature network with 17 actions that prefers something."""
    torch.manual_seed(3)
    policy = Policy("nature")
    policy.actor = torch.nn.Linear(256, 17)
    with torch.no_grad():
        policy.actor.weight.mul_(40)
    return policy.eval(), {name: one.contiguous() for name, one in policy.state_dict().items()}


def test_a_dropped_policy_of_as_many_actions_decides_there_as_in_torch(browser, tmp_path):
    policy, tensors = own_policy()
    save_file(tensors, tmp_path / "crafter.safetensors")
    choose(browser, "crafter-grass")
    drop(browser, tmp_path / "crafter.safetensors")
    browser.until("!!document.querySelectorAll('.decision .buttons')[1]")
    slide(browser, 1, 4)
    slide(browser, 0, 2)
    frames = frames_of("crafter-grass")[4]
    with torch.no_grad():
        logits, _ = policy(torch.from_numpy(np.ascontiguousarray(frames[[0, 2]])))
    p, q = logits.softmax(-1).numpy()
    moved = 0.5 * np.abs(p - q).sum()
    assert moved > 0.02
    assert browser.run(MOVED)[1] == pytest.approx(moved, abs=0.0051)


def test_tv_on_every_variant_can_be_taken(browser):
    browser.run(
        "URL.createObjectURL = (b) => { b.text().then((t) => (window.saved = t)); return '#'; }"
    )
    browser.run("document.querySelectorAll('#player .take button')[1].click()")
    head, *lines = browser.until("window.saved").splitlines()
    assert head == "world,state,step,policy,variant,own,seen_in_training,tv,value"
    assert len(lines) == 26
    own = [line.split(",") for line in lines if line.split(",")[5] == "true"]
    assert [float(cells[7]) for cells in own] == [0, 0]
    assert sum(line.split(",")[6] == "false" for line in lines) == 8
