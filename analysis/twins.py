"""What the wallpaper of each game covers: ``python -m analysis.twins``.

For every game, one state with three of its twins and its mask, as a picture, and the share of a
frame that the background changes, over many states, as a table. That share is the chance level
of every score on the mask.
"""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import UInt8
from PIL import Image
from rich.console import Console
from rich.progress import track
from rich.table import Table
from tyro.conf import Positional

from analysis.records.tables import Column, Schema, check_output, write_table
from analysis.scenes.backgrounds import MIN_RENDERINGS, pick_backgrounds
from analysis.scenes.bank import BankPlan, gather, procgen_version
from analysis.scenes.masks import exact_mask, twin_distance
from analysis.stats.clusters import cluster_interval
from checkpoints.console import UserError, run_command
from checkpoints.world.games import GAMES, IMAGE_SHAPE, Mode, get_game
from checkpoints.world.renderer import Renderer
from checkpoints.world.states import for_drawing

__all__ = [
    "Renderer",
    "Settings",
    "exact_mask",
    "measure",
    "pick_backgrounds",
    "strip",
    "twin_distance",
]

SCHEMA = Schema(
    "twins",
    (
        Column("game", "text", "one of the 16"),
        Column("mode", "text", "Procgen's difficulty"),
        Column("backgrounds_available", "int", "pictures the game has", low=1),
        Column("backgrounds_trained", "int", "of them, those that training levels show", low=1),
        Column("vacuous", "bool", "one background: nothing to vary, all measures undefined"),
        Column("states", "int", "states measured", low=1),
        Column("levels", "int", "levels they come from, the clusters of the interval", low=1),
        Column("renderings", "int", "backgrounds each was drawn on", low=1),
        Column("mask_area", "float", "share of pixels any background changes", low=0, high=1),
        Column("low", "float", "lower end of its 95 % interval", low=0, high=1),
        Column("high", "float", "upper end of its 95 % interval", low=0, high=1),
        Column(
            "pixels_changed", "float", "share of pixels that differ in two twins", low=0, high=1
        ),
        Column("colour_change", "float", "mean difference of two twins", "of 255", 0, 255),
        Column("level", "int", "level seed of the state in the picture", low=0),
        Column("time", "int", "how far its episode was", "steps", low=0),
        Column("shown", "text", "its backgrounds in the picture, its own first"),
    ),
    key=("game", "mode"),
)
MEASURES = ("mask_area", "low", "high", "pixels_changed", "colour_change")


@dataclass(frozen=True)
class Settings:
    """Draw one state of each game on other backgrounds, and measure how much of a frame changes."""

    games: Positional[tuple[str, ...]] = ()
    """games to draw; none draws all 16"""
    mode: Mode = "easy"
    """Procgen's difficulty"""
    states: int = 64
    """states measured a game, at most 2 a level, met by random actions"""
    backgrounds: int = 6
    """renderings of a state that make its mask, at least 4; plunder has 4 and uses those"""
    seed: int = 0
    """decides levels and actions"""
    output: Path = Path("results")
    """folder that receives twins.csv and twins/GAME.png"""
    overwrite: bool = False
    """replace a table and pictures that exist"""


def measure(game: str, settings: Settings) -> tuple[dict[str, Any], UInt8[np.ndarray, "64 320 3"]]:
    """One row of the table, and the picture of the state whose mask area is the median.

    A game with one background gives a row without measures.
    """
    facts, mode, seed = get_game(game), settings.mode, settings.seed
    # Few environments: they meet their levels at more different times.
    plan = BankPlan(
        game, mode, num_states=settings.states, seed=seed, thin=32, per_level=2, num_envs=8
    )
    bank, renderer = gather(plan), Renderer(game)
    vacuous = facts.backgrounds < 2
    count = 1 if vacuous else min(settings.backgrounds, facts.backgrounds)
    measures, chosen = dict.fromkeys(MEASURES, math.nan), 0
    if not vacuous:
        renderings = renderer.render(bank.states, pick_backgrounds(game, count, mode=mode))
        areas = exact_mask(renderings).mean(axis=(1, 2))
        distances = (distance.mean() for distance in twin_distance(renderings))
        values = (*cluster_interval(areas, bank.levels), *distances)
        measures = dict(zip(MEASURES, values, strict=True))
        chosen = int(np.argsort(areas, kind="stable")[len(areas) // 2])
    own = for_drawing(bank.states[chosen], game).own
    shown = [(own + k * facts.backgrounds // 4) % facts.backgrounds for k in range(4)]
    shown = [own] if vacuous else shown
    row = {
        "game": game,
        "mode": mode,
        "backgrounds_available": facts.backgrounds,
        "backgrounds_trained": len(facts.trained_backgrounds(mode)),
        "vacuous": vacuous,
        "states": len(bank),
        "levels": len(set(bank.levels.tolist())),
        "renderings": count,
        **measures,
        "level": int(bank.levels[chosen]),
        "time": int(bank.time[chosen]),
        "shown": " ".join(map(str, shown)),
    }
    return row, strip(renderer, bank.states[chosen], shown)


def strip(
    renderer: Renderer, state: bytes, backgrounds: Sequence[int]
) -> UInt8[np.ndarray, "64 320 3"]:
    """Up to four renderings side by side, then their mask, white; black where there is none."""
    tiles = np.zeros((MIN_RENDERINGS + 1, *IMAGE_SHAPE), dtype=np.uint8)
    drawn = renderer.render([state], backgrounds)
    tiles[: len(backgrounds)] = drawn[0]
    if len(backgrounds) == MIN_RENDERINGS:
        tiles[-1] = 255 * exact_mask(drawn)[0, :, :, None]
    return np.concatenate(list(tiles), axis=1)


def main(settings: Settings) -> None:
    """Draw and measure every game, print the table, write it and the pictures."""
    games = [get_game(name).name for name in dict.fromkeys(settings.games)] or list(GAMES)
    if settings.backgrounds < MIN_RENDERINGS:
        raise UserError(
            f"--backgrounds: expected at least {MIN_RENDERINGS}, got {settings.backgrounds}"
        )
    table = settings.output / "twins.csv"
    pictures = {game: settings.output / "twins" / f"{game}.png" for game in games}
    for path in (table, *pictures.values()):
        check_output(path, overwrite=settings.overwrite)
    rows, strips = {}, {}
    for game in track(games, "drawing twins", console=Console(stderr=True), transient=True):
        rows[game], strips[game] = measure(game, settings)
    frame = pd.DataFrame(list(rows.values()))
    _show(frame)
    for game, path in pictures.items():
        _write_picture(strips[game], path)
    provenance = {name: getattr(settings, name) for name in ("states", "backgrounds", "seed")}
    provenance["procgen"] = procgen_version()
    print(f"{settings.output / 'twins'}{os.sep}*.png")
    print(write_table(frame, SCHEMA, table, provenance=provenance, overwrite=settings.overwrite))


def _show(frame: pd.DataFrame) -> None:
    title = "Pixels (%) under the mask, and in which two twins differ, by how much"
    heads = ("game", "backgrounds", "trained", "mask", "95 % interval", "differ", "of 255")
    table = Table(*heads, title=title)
    for row in frame.itertuples():
        mask, differ = (f"{100 * share:.1f}" for share in (row.mask_area, row.pixels_changed))
        interval = f"{100 * row.low:.1f} to {100 * row.high:.1f}"
        measures = [mask, interval, differ, f"{row.colour_change:.0f}"]
        measures = ["–"] * len(measures) if row.vacuous else measures
        counts = str(row.backgrounds_available), str(row.backgrounds_trained)
        table.add_row(row.game, *counts, *measures)
    Console().print(table)


def _write_picture(picture: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    Image.fromarray(picture).save(temporary, format="png", optimize=True)
    temporary.replace(path)


if __name__ == "__main__":
    run_command(main, Settings, name="python -m analysis.twins")
