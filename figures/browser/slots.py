"""Filling the slots of the built page: data goes in as text that no browser reads as HTML."""

import base64
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from checkpoints.console import UserError

APP = Path(__file__).parent / "front" / "app.html"
"""The built front end."""
SLOT = '<script type="application/json" id="data"></script>'
FILES = "<!-- files -->"
LARGEST = 12_000_000
"""Bytes of a whole page at most: what a browser opens from disk without a wait."""
_NAME = re.compile(r"[a-z0-9-]+")


def as_script(value: Any) -> str:
    """JSON that can stand in a script element: numbers that are none become null.

    Every ``<`` is written as an escape, so that no text in it can end the element.
    """
    text = json.dumps(_plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def filled(app: str, data: Mapping[str, Any], files: Mapping[str, bytes]) -> str:
    """The page.

    Args:
        app: the built front end, with its two empty slots.
        data: what it shows.
        files: name of letters, digits and dashes -> content, such as policies.

    Raises:
        UserError: the slots are not there once each, or the page grew too large.
    """
    for slot in (SLOT, FILES):
        if app.count(slot) != 1:
            raise UserError(
                f"{APP.name}: expected the slot {slot!r} once, found it {app.count(slot)} times; "
                "build it again: npm run build in figures/browser/front"
            )
    for name in files:
        if not _NAME.fullmatch(name):
            raise ValueError(f"no name for a slot: {name!r}")
    elements = "\n".join(
        f'<script type="application/octet-stream" id="{name}">'
        f"{base64.b64encode(content).decode()}</script>"
        for name, content in files.items()
    )
    head, end = SLOT.split("></")
    page = app.replace(SLOT, f"{head}>{as_script(data)}</{end}").replace(FILES, elements)
    size = len(page.encode())
    if size > LARGEST:
        raise UserError(
            f"expected a page of at most {LARGEST / 1e6:g} MB, got {size / 1e6:.1f} MB; name fewer "
            "policies, or draw fewer frames: python -m analysis.player --frames"
        )
    return page
