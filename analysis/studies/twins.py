"""What the wallpaper of each game covers: a picture of a state's twins, and shares of a frame."""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import UInt8

from analysis.records.columns import GAME, interval
from analysis.records.tables import Column, Schema
from analysis.scenes.backgrounds import MIN_RENDERINGS, pick_backgrounds
from analysis.scenes.bank import Bank, BankPlan, gather, procgen_version
from analysis.scenes.file_world import FileWorld, open_world
from analysis.scenes.masks import exact_mask, masks_of, twin_distance
from analysis.scenes.pictures import as_rgb
from analysis.scenes.worlds import World, is_procgen, world_of
from analysis.stats.clusters import cluster_interval
from checkpoints.console import UserError, path_of, show_tables, watch
from checkpoints.doors.writing import atomic
from checkpoints.world.games import GAMES, Mode, get_game

SCHEMA = Schema(
    "twins",
    (
        GAME,
        Column("mode", "text", "Procgen's difficulty"),
        Column("backgrounds_available", "int", "pictures the game has", low=1),
        Column("backgrounds_trained", "int", "of them, those that training levels show", low=1),
        Column("vacuous", "bool", "one background: nothing to vary, all measures undefined"),
        Column("states", "int", "states measured", low=1),
        Column("levels", "int", "levels they come from, the clusters of the interval", low=1),
        Column("renderings", "int", "backgrounds each was drawn on", low=1),
        Column("mask_area", "float", "share of pixels any background changes", low=0, high=1),
        *interval("low", "high", low=0, high=1),
        Column(
            "pixels_changed", "float", "share of pixels that differ in two twins", low=0, high=1
        ),
        Column("colour_change", "float", "mean difference of two twins", "of 255", 0, 255),
        Column("level", "int", "level seed of the state in the picture", low=0),
        Column("time", "int", "how far its episode was", "steps", low=0),
        Column("shown", "text", "its backgrounds in the picture, its own first"),
    ),
    key=("game", "mode"),
    command="analysis.twins",
)
MEASURES = ("mask_area", "low", "high", "pixels_changed", "colour_change")
FOLDER = "twins"
"""Of the pictures, inside the folder of the table."""
Strip = UInt8[np.ndarray, "h five_w 3"]


def constants(games: Sequence[str]) -> dict[str, Any]:
    """What decides the pictures of games, or of an open world, and is no setting."""
    found: dict[str, Any] = {"procgen": procgen_version()}
    for world in map(world_of, games):
        if isinstance(world, FileWorld):
            found["world"] = world.noted
    return found


def named(games: Sequence[str], world: str = "") -> list[str]:
    """The games asked for, each once; all of them if none is; or the world in a file, opened.

    Raises:
        UserError: an unknown game, games and a world.
    """
    if world and games:
        raise UserError(f"expected games or --world, got both: {', '.join(games)} and {world}")
    if world:
        return [open_world(path_of(world)).name]
    return [get_game(name).name for name in dict.fromkeys(games)] or list(GAMES)


def picture_of(game: str) -> str:
    """Where its picture goes, inside the folder of the table."""
    return f"{FOLDER}/{game}.png"


def measure(
    chosen: Sequence[str], *, mode: Mode, states: int, backgrounds: int, seed: int
) -> tuple[pd.DataFrame, dict[str, Strip]]:
    """Rows of :data:`SCHEMA`, and the picture of each game; see :func:`measure_game`."""
    rows, strips = [], {}
    for game in watch(chosen, "drawing twins"):
        row, strips[game] = measure_game(
            game, mode=mode, states=states, backgrounds=backgrounds, seed=seed
        )
        rows.append(row)
    return pd.DataFrame(rows), strips


def measure_game(
    game: str, *, mode: Mode, states: int, backgrounds: int, seed: int
) -> tuple[dict[str, Any], Strip]:
    """One row of the table, and the picture of the state whose mask area is the median.

    A game with one background gives a row without measures.

    Args:
        game: one of the 16, or a world that is open.
        mode: Procgen's difficulty.
        states: how many are measured, at most 2 a level.
        backgrounds: renderings of a state that make its mask; all of a game that has fewer.
        seed: of levels and actions.
    """
    facts = get_game(game)
    world, bank = world_of(game), _states(game, mode, states, seed)
    vacuous = facts.backgrounds < 2
    count = 1 if vacuous else min(backgrounds, facts.backgrounds)
    measures, median = dict.fromkeys(MEASURES, math.nan), 0
    if not vacuous:
        renderings = world.render(bank.states, pick_backgrounds(game, count, mode=mode))
        areas = masks_of(game, bank, [renderings]).mean(axis=(1, 2))
        distances = (distance.mean() for distance in twin_distance(renderings))
        values = (*cluster_interval(areas, bank.levels), *distances)
        measures = dict(zip(MEASURES, values, strict=True))
        median = int(np.argsort(areas, kind="stable")[len(areas) // 2])
    own = int(world.own(bank.states[median : median + 1])[0])
    tiles = min(MIN_RENDERINGS, facts.backgrounds)
    shown = [(own + k * facts.backgrounds // tiles) % facts.backgrounds for k in range(tiles)]
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
        "level": int(bank.levels[median]),
        "time": int(bank.time[median]),
        "shown": " ".join(map(str, shown)),
    }
    return row, strip(world, bank.states[median], shown)


def _states(game: str, mode: Mode, states: int, seed: int) -> Bank:
    """At most two of a level."""
    if not is_procgen(game):
        return world_of(game).bank(states, seed, per_level=2)
    # Few environments: they meet their levels at more different times.
    return gather(
        BankPlan(game, mode, num_states=states, seed=seed, thin=32, per_level=2, num_envs=8)
    )


def strip(world: World, state: bytes, backgrounds: Sequence[int]) -> Strip:
    """Up to four renderings side by side, then their mask, white; black where there is none."""
    height, width, _ = world.image_shape
    tiles = np.zeros((MIN_RENDERINGS + 1, height, width, 3), dtype=np.uint8)
    drawn = world.render([state], backgrounds)
    tiles[: len(backgrounds)] = [as_rgb(one) for one in drawn[0]]
    mask = world.masks([state])
    if mask is None and len(backgrounds) == MIN_RENDERINGS:
        mask = exact_mask(drawn)
    if mask is not None:
        tiles[-1] = 255 * mask[0, :, :, None]
    return np.concatenate(list(tiles), axis=1)


def write_pictures(strips: Mapping[str, Strip], output: Path) -> None:
    """Write each game's picture, whole or not at all, under the folder of the table."""
    from PIL import Image

    for game, picture in strips.items():
        path = output / picture_of(game)
        with atomic(path) as temporary:
            Image.fromarray(picture).save(temporary, format="png", optimize=True)


def show(frame: pd.DataFrame, output: Path) -> None:
    """Print a line a game, then where the pictures lie."""
    from rich.table import Table

    title = "Pixels (%) under the mask, and in which two twins differ, by how much"
    heads = ("game", "backgrounds", "trained", "mask", "95 % interval", "differ", "of 255")
    table = Table(*heads, title=title)
    for row in frame.itertuples():
        mask, differ = (f"{100 * share:.1f}" for share in (row.mask_area, row.pixels_changed))
        ends = f"{100 * row.low:.1f} to {100 * row.high:.1f}"
        measures = [mask, ends, differ, f"{row.colour_change:.0f}"]
        measures = ["–"] * len(measures) if row.vacuous else measures
        counts = str(row.backgrounds_available), str(row.backgrounds_trained)
        table.add_row(row.game, *counts, *measures)
    show_tables(table)
    print(f"{output / FOLDER}{os.sep}*.png")
