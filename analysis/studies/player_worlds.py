"""States of worlds in files, on every variant: what the page shows of worlds other than Procgen."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Int, UInt8

from analysis.records.tables import Column, Schema
from analysis.scenes.world_format import Contents, checked_parts, read_contents
from analysis.studies.player import encoded
from checkpoints.console import UserError
from checkpoints.doors.reading import short_hash, shown
from checkpoints.world.games import GAMES

SCHEMA = Schema(
    "player_worlds",
    (
        Column("world", "text", "as its file calls it"),
        Column("state", "int", "place among those shown", low=0),
        Column("row", "int", "place in the file", low=0),
        Column("step", "int", "of its episode; 0 where the file does not say", "steps", low=0),
        Column("level", "int", "states of one level resemble each other"),
        Column("own", "int", "the variant on which it was met", low=0),
    ),
    key=("world", "state"),
    command="analysis.player",
)
_NAME = re.compile(r"[\w-]{1,64}", re.ASCII)
WIDEST = 16_383
"""Pixels of a side of a WebP at most."""


def opened(files: Sequence[Path]) -> dict[str, Contents]:
    """Worlds by their names, all but their frames read.

    Raises:
        UserError: a file that is no world, two of one name or of a game's, a name that no file can
            have, or frames that no picture can hold.
    """
    found: dict[str, Contents] = {}
    for path in files:
        one = read_contents(path)
        name, (_, variants, height, width, channels) = one.meta.world, one.shape
        if not _NAME.fullmatch(name) or name in found or name in GAMES:
            raise UserError(
                f"{path}: expected a world of another name than any game and other file, of "
                f"letters, digits, - and _, which its picture is called by; got {shown(name)}"
            )
        if channels != 3 or max(width, variants * height) > WIDEST:
            raise UserError(
                f"{path}: expected frames of 3 colours whose {variants} variants fit one below the "
                f"other into a picture of {WIDEST:,} pixels, got {height} x {width} x {channels}"
            )
        found[name] = one
    return found


def measure(
    opened_ones: Mapping[str, Contents], *, states: int
) -> tuple[pd.DataFrame, dict[str, bytes], dict[str, Any]]:
    """Rows of :data:`SCHEMA`, the encoded frames of each world, and what the page must know of it.

    Args:
        opened_ones: of :func:`opened`.
        states: of a world at most.

    Raises:
        UserError: frames or masks that are not as they must be, or no state met on a variant.
    """
    rows = [pd.DataFrame(columns=list(SCHEMA.names))]
    pictures, worlds = {}, {}
    for name, found in opened_ones.items():
        kept = _kept(found, states)
        columns = {"row": kept, "step": found.time[kept], "level": found.levels[kept]}
        shown_there = pd.DataFrame({"world": name, "state": range(len(kept)), **columns})
        rows.append(shown_there.assign(own=found.own[kept]))
        pictures[name] = encoded(_frames(found, kept))
        worlds[name] = _about(found, len(kept))
    return pd.concat(rows[1:] or rows, ignore_index=True), pictures, worlds


def _kept(found: Contents, states: int) -> Int[np.ndarray, " state"]:
    """Which states are shown: evenly spread over those that were met on a variant."""
    met = np.flatnonzero(found.own >= 0)
    if not len(met):
        raise UserError(
            f"{found.archive.path}: own: expected states that were met on one of the variants, "
            "with which the page compares the others, got -1 for all; say which it was"
        )
    count = min(len(met), states, WIDEST // found.shape[3])
    return met[np.linspace(0, len(met) - 1, count).round().astype(int)]


def _frames(
    found: Contents, kept: Int[np.ndarray, " state"]
) -> UInt8[np.ndarray, "state variant h w 3"]:
    """The frames of some states; the others are checked, and not kept in memory."""
    start, parts = 0, []
    for frames, _ in checked_parts(found):
        here = kept[(kept >= start) & (kept < start + len(frames))] - start
        parts.append(frames[here])
        start += len(frames)
    return np.concatenate(parts)


def _about(found: Contents, count: int) -> dict[str, Any]:
    path, actions = found.archive.path, found.meta.actions
    groups = [] if actions == "continuous" else [[action] for action in range(actions)]
    return {
        "file": path.name,
        "file_sha256": short_hash(path),
        "rule": f"{count} of the {found.shape[0]} states of {path.name}, evenly spread",
        "shape": list(found.shape[2:]),
        "varied": "variant",
        "variants": found.shape[1],
        "called": found.meta.variants,
        "trained": [],
        "buttons": groups,
        "names": [f"action {action}" for (action,) in groups],
    }
