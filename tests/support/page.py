"""What tests of the page in a browser share: the page opened, what it shows, how it is moved."""

import base64
import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from tests.support.chromium import Browser
from tests.support.tree import ROOT

TABLES = ROOT / "analysis" / "tables"
IDS = ("starpilot/ppo-bg9/0", "starpilot/drac-twins-bg9/0", "coinrun/ppo/0", "coinrun/mutual/0")
EASEL = "document.querySelector('.easel canvas')"
# Copied first: reading the page's own canvas again and again makes Chromium complain of the page.
PIXELS = f"""(() => {{
    const copy = new OffscreenCanvas(64, 64).getContext('2d', {{willReadFrequently: true}});
    copy.drawImage({EASEL}, 0, 0);
    const rgb = copy.getImageData(0, 0, 64, 64).data.filter((_, i) => i % 4 < 3);
    return btoa(String.fromCharCode(...rgb));
}})()"""
MOVED = "[...document.querySelectorAll('.moved')].map((one) => Number(one.textContent))"
PLACES = "[...document.querySelectorAll('.controls input')].map((one) => Number(one.value))"
SETTLED = "new Promise((f) => requestAnimationFrame(() => requestAnimationFrame(() => f(true))))"


def frames_of(game: str, variants: int) -> np.ndarray:
    """(state, background, 64, 64, 3) out of the committed picture."""
    content = (TABLES / "player" / f"{game}.webp").read_bytes()
    sheet = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    return sheet.reshape(variants, 64, -1, 64, 3).transpose(2, 0, 1, 3, 4)


def shown(browser: Browser) -> np.ndarray:
    """The pixels of the frame on the page."""
    browser.run(SETTLED)
    raw = base64.b64decode(browser.run(PIXELS))
    return np.frombuffer(raw, np.uint8).reshape(64, 64, 3)


def slide(browser: Browser, place: int, value: int) -> None:
    """Move a slider of the player, 0 background and 1 state, and wait until it is drawn."""
    browser.run(
        f"(() => {{ const s = document.querySelectorAll('.controls input')[{place}];"
        f"s.value = {value}; s.dispatchEvent(new Event('input', {{bubbles: true}})); }})()"
    )
    browser.run(SETTLED)


def texts(browser: Browser, selector: str) -> list[str]:
    """What elements say."""
    found: list[str] = browser.run(
        f"[...document.querySelectorAll({json.dumps(selector)})].map((one) => one.textContent)"
    )
    return found


def drop(browser: Browser, *files: Path) -> None:
    """Drop files or folders, and wait until all is read."""
    browser.drop(list(files))
    browser.until("!document.querySelector('#own').textContent.includes('reading …')")
    browser.run(SETTLED)
