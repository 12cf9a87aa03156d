"""Tiles for a sheet of saliency maps: pictures and maps of a few states, in two small files.

A figure reads tables and pictures and no policies, so what it shows is kept: ``pictures.png``, a
line a state with the picture as met, its twin and its mask, and ``maps.png``, grey, a line a
policy and state with one map a method. ``saliency_sheet.csv`` says what lies where.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from analysis.policies.subjects import Subject
from analysis.scenes.pictures import as_rgb
from checkpoints.doors.writing import atomic
from checkpoints.policy.ids import UNTRAINED
from checkpoints.world.buttons import buttons

if TYPE_CHECKING:
    from analysis.studies.saliency.maps import MaskedTwins, PolicyMaps

FILES = ("saliency/pictures.png", "saliency/maps.png")
"""Relative to the output folder."""
BRIGHTEST = 99.5
"""Percentile of a map that is drawn white: a single pixel would leave the rest black."""


def shown_policies(subjects: Sequence[Subject]) -> list[Subject]:
    """Two policies for a sheet: one a method, trained ones first, in the order they come."""
    order = sorted(subjects, key=lambda one: one.id.method == UNTRAINED)
    first = {one.id.method: one for one in reversed(order)}
    return [one for one in order if first[one.id.method] is one][:2]


def shown_states(effect: Float[np.ndarray, " state"]) -> list[int]:
    """The state whose twins move the decision by the median, and the one they move most."""
    order = np.argsort(effect, kind="stable")
    return sorted({int(order[len(order) // 2]), int(order[-1])}, key=lambda s: float(effect[s]))


def as_grey(one: Float[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w"]:
    """A map from 0, black, to its :data:`BRIGHTEST` percentile, white."""
    top = np.percentile(one, BRIGHTEST) or 1.0
    return (255 * np.clip(one / top, 0, 1)).round().astype(np.uint8)


class Shown(NamedTuple):
    """A policy, and what was made of its likeliest buttons by each method."""

    one: "PolicyMaps"
    maps: dict[str, Float[np.ndarray, "state h w"]]
    ratios: dict[str, Float[np.ndarray, " state"]]
    """the number under each map; NaN where it is left out"""


@dataclass
class TileSheet:
    """Tiles, gathered game by game."""

    pictures: list[UInt8[np.ndarray, "h three_w 3"]] = field(default_factory=list)
    maps: list[list[UInt8[np.ndarray, "h w"]]] = field(default_factory=list)

    def add(self, shown: Sequence[Shown]) -> Iterator[dict[str, Any]]:
        """Add the tiles of one game, and say in a row each where they lie.

        Args:
            shown: its policies, on the same states.
        """
        masked = shown[0].one.masked
        effect = np.mean([each.one.effects["button"] for each in shown], axis=0)
        for state in shown_states(effect):
            self.pictures.append(_strip(masked, state))
            for one, maps, ratios in shown:
                self.maps.append([as_grey(found[state]) for found in maps.values()])
                for column, method in enumerate(maps):
                    yield {
                        **_row(one, state),
                        "attribution": method,
                        "mass_over_area": ratios[method][state],
                        "picture_line": len(self.pictures) - 1,
                        "map_line": len(self.maps) - 1,
                        "map_column": column,
                    }

    def write(self, folder: Path) -> None:
        """Both pictures below ``folder``, each whole or not at all."""
        widest = max(len(line) for line in self.maps)
        blank = np.zeros_like(self.maps[0][0])
        lines = [np.hstack(line + [blank] * (widest - len(line))) for line in self.maps]
        for name, tiles in zip(FILES, (self.pictures, lines), strict=True):
            path = folder / name
            with atomic(path) as temporary:
                Image.fromarray(np.vstack(tiles)).save(temporary, format="png", optimize=True)


def _strip(masked: "MaskedTwins", state: int) -> UInt8[np.ndarray, "h three_w 3"]:
    mask = np.repeat(255 * masked.mask[state, :, :, None].astype(np.uint8), 3, axis=2)
    return np.hstack([as_rgb(masked.frames[state]), as_rgb(masked.twin[state]), mask])


def _row(one: "PolicyMaps", state: int) -> dict[str, Any]:
    names = one.subject.columns
    return {
        **{name: names[name] for name in ("game", "id", "method")},
        "state": state,
        "level": int(one.masked.bank.levels[state]),
        "button": buttons(one.masked.twins.game)[one.buttons[state]][0],
        "change": one.effects["button"][state],
        "mask_area": one.masked.mask[state].mean(),
    }
