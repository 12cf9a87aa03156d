"""Invariance per layer: how much of what a layer says of a state stays on other backgrounds.

``python -m analysis.invariance`` measures the shipped policies and untrained ones on twins.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from tyro.conf import Positional

from analysis.measures.icc import Invariance, Layout
from analysis.records.tables import Column, Schema, check_output, write_table
from checkpoints.console import UserError, run_command
from checkpoints.policy.ids import PolicyId
from checkpoints.policy.store import ZOO
from checkpoints.world.games import get_game

if TYPE_CHECKING:
    from analysis.policies.subjects import Subject
    from analysis.scenes.bank import Bank
    from analysis.scenes.twin_sets import TwinReading

SCHEMA = Schema(
    "invariance",
    (
        Column("game", "text", "one of the 16"),
        Column("id", "text", "the policy"),
        Column("method", "text", "its training recipe"),
        Column("seed", "int", "its training seed", low=0),
        Column("peer", "int", "which of the policies trained together", low=0),
        Column("step", "int", "environment steps it was trained for", low=0),
        Column("layer", "text", "layer of its encoder"),
        Column("backgrounds", "text", "all, or those seen or unseen in training"),
        Column("states", "int", "states measured", low=2),
        Column("levels", "int", "levels they come from", low=2),
        Column("renderings", "int", "backgrounds each state is drawn on", low=0),
        Column("icc", "float", "ICC(1,1): 1 invariant, 0 blind to the state", low=-1, high=1),
        Column("low", "float", "2.5 % point of the bootstrap over levels", low=-1, high=1),
        Column("high", "float", "97.5 % point of the bootstrap over levels", low=-1, high=1),
        Column("icc_two_way", "float", "ICC(2,1): the same at any number of renderings", high=1),
        Column("low_two_way", "float", "2.5 % point of the bootstrap over levels", high=1),
        Column("high_two_way", "float", "97.5 % point of the bootstrap over levels", high=1),
        Column("effective_rank", "float", "directions that the layer varies along", low=0),
        Column("dead_share", "float", "units with one value everywhere", low=0, high=1),
        Column("norm", "float", "mean norm of the layer", "activation", low=0),
        Column("spread", "float", "standard deviation / root mean square norm", low=0, high=1),
        Column("verdict", "text", "ok; collapsed or vacuous: no ICC"),
    ),
    key=("game", "id", "layer", "backgrounds"),
)


@dataclass(frozen=True)
class Settings:
    """Measure how invariant each layer is to the background, and whether it says anything at all.

    The intraclass correlation (ICC) of a layer over states and backgrounds is 1 where the
    background changes nothing and 0 where the state shows in nothing. A layer that is constant,
    dead or of one direction reads collapsed. Intervals are 95 % bootstraps over levels; they do
    not speak of other training seeds, nor of other backgrounds.
    """

    ids: Positional[tuple[str, ...]] = ()
    """policies to measure: ids such as starpilot/mutual/0, or files; none takes all shipped"""
    steps: Literal["last", "all"] = "last"
    """of a run that is named without a step: its last kept policies, or all of them"""
    layers: tuple[str, ...] = ()
    """only these layers, such as conv3 hidden; all if none is given"""
    states: int = 600
    """states of each game, from levels that no policy was trained on"""
    backgrounds: int = 8
    """backgrounds each is drawn on; more where seen or unseen ones would be missing"""
    replicates: int = 1000
    """bootstrap replicates behind each interval"""
    untrained: int = 2
    """untrained policies to compare with, for each game"""
    seed: int = 0
    """of the states and the bootstrap"""
    root: Path = ZOO
    """where ids are looked up: the zoo, or a folder of runs"""
    output: Path = Path("results")
    """folder that receives invariance.csv"""
    overwrite: bool = False
    """replace a table that exists"""

    def check(self) -> None:
        """Raise ``UserError`` on a number that cannot be measured with."""
        for name, least in (("states", 2), ("backgrounds", 2), ("replicates", 1)):
            if getattr(self, name) < least:
                raise UserError(f"--{name}: expected at least {least}, got {getattr(self, name)}")


def split(backgrounds: Sequence[int], trained: Sequence[int]) -> dict[str, tuple[int, ...]]:
    """Places in ``backgrounds`` of ``all``, of those ``seen`` in training, and of the others."""
    places = range(len(backgrounds))
    seen = tuple(k for k in places if backgrounds[k] in trained)
    return {"all": tuple(places), "seen": seen, "unseen": tuple(k for k in places if k not in seen)}


def measure_stream(
    readings: "Iterable[tuple[slice, TwinReading]]",
    groups: dict[str, tuple[int, ...]],
    levels: np.ndarray,
    weights: np.ndarray,
) -> dict[tuple[str, str], Invariance | None]:
    """Every layer on every group of backgrounds, in one pass over one policy's readings.

    Args:
        readings: from :meth:`analysis.scenes.twin_sets.TwinSet.readings`, every state once.
        groups: name -> places among the backgrounds, as :func:`split` gives them.
        levels: (n,) level of each state.
        weights: (R, G) from :func:`analysis.stats.clusters.cluster_weights` on ``levels``.

    Returns:
        (layer, group) -> what was found; ``None`` for a group without backgrounds.
    """
    layouts: dict[tuple[str, tuple[int, ...]], Layout] = {}
    for states, reading in readings:
        for layer, x in reading.layers.items():
            # Groups of the same backgrounds share their layout: often all were seen in training.
            for places in set(groups.values()) - {()}:
                key = layer, places
                if key not in layouts:
                    layouts[key] = Layout(levels, len(places))
                whole = len(places) == x.shape[1]
                layouts[key].add(states, x if whole else x[:, list(places)])
    layers = list(dict.fromkeys(layer for layer, _ in layouts))
    found = {key: layouts.pop(key).result(weights) for key in list(layouts)}
    return {(layer, name): found.get((layer, groups[name])) for layer in layers for name in groups}


def row(
    policy: PolicyId, layer: str, group: str, found: Invariance | None, states: int, levels: int
) -> dict[str, Any]:
    """One row of the table; ``found`` is None where the group has no backgrounds."""
    cells: dict[str, Any] = {
        **{"game": policy.game, "id": str(policy), "method": policy.method, "seed": policy.seed},
        **{"peer": policy.peer or 0, "step": policy.step or 0},
        **{"layer": layer, "backgrounds": group, "states": states, "levels": levels},
    }
    if found is None:
        numbers = SCHEMA.names[len(cells) + 1 : -1]
        return {**cells, "renderings": 0, **dict.fromkeys(numbers, np.nan), "verdict": "vacuous"}
    cells["renderings"] = found.backgrounds
    for end, values in (("", found.icc), ("_two_way", found.two_way)):
        low, high = np.percentile(values[1:], [2.5, 97.5])
        cells |= {f"icc{end}": values[0], f"low{end}": low, f"high{end}": high}
    for name in ("effective_rank", "dead_share", "norm", "spread", "verdict"):
        cells[name] = getattr(found, name)
    return cells


def measure_game(
    subjects: "Sequence[Subject]", settings: Settings
) -> "tuple[list[dict[str, Any]], tuple[int, ...]]":
    """All rows of one game, its policies on the same twins; and the backgrounds of these."""
    from rich.console import Console
    from rich.progress import track

    from analysis.scenes.backgrounds import cover
    from analysis.scenes.common import common_bank
    from analysis.stats.clusters import cluster_weights

    game, rows = subjects[0].id.game, []
    bank = common_bank(game, subjects[0].mode, settings.states, settings.seed)
    weights = cluster_weights(bank.levels, settings.replicates, settings.seed)
    chosen = cover(game, [one.trained_backgrounds for one in subjects], settings.backgrounds)
    show_progress = Console(stderr=True)
    for one in track(subjects, f"reading {game}", console=show_progress, transient=True):
        readings = _readings(one, bank, chosen, settings.layers or None)
        groups = split(chosen, one.trained_backgrounds)
        found = measure_stream(readings, groups, bank.levels, weights)
        sizes = len(bank), weights.shape[1]
        rows += [row(one.id, *key, cell, *sizes) for key, cell in found.items()]
    return rows, chosen


def _readings(
    subject: "Subject", bank: "Bank", backgrounds: Sequence[int], layers: Sequence[str] | None
) -> "Iterator[tuple[slice, TwinReading]]":
    """A policy on the twins; on the bank's own pictures in a game that has no twins."""
    from analysis.scenes.twin_sets import FRAMES, Block, twin_set

    if get_game(subject.id.game).backgrounds > 1:
        yield from twin_set(subject.id.game, bank, backgrounds).readings(subject.policy, layers)
        return
    for start in range(0, len(bank), FRAMES):
        states = slice(start, min(start + FRAMES, len(bank)))
        frames = np.asarray(bank.observations[states])[:, None]
        yield states, Block(states, frames).read(subject.policy, layers)


def show(rows: pd.DataFrame, game: str) -> None:
    """Print the ICC with its interval and the effective rank, a line for each policy and group."""
    from rich.console import Console
    from rich.table import Table

    here = rows[rows["game"] == game]
    layers, first = list(dict.fromkeys(here["layer"])), here.iloc[0]
    title = f"{game}: ICC (effective rank), {first.states} states, {first.levels} unseen levels"
    table = Table("policy", "backgrounds", *layers, title=title)
    for (name, group), cells in here.groupby(["id", "backgrounds"], sort=False):
        by_layer = {one["layer"]: _cell(one) for _, one in cells.iterrows()}
        if set(by_layer.values()) == {"vacuous"}:
            by_layer = {layers[0]: "vacuous: fewer than 2 backgrounds"}
        label = f"{cells['renderings'].iloc[0]}, {group}"
        table.add_row(
            str(name).removeprefix(f"{game}/"), label, *(by_layer.get(one, "") for one in layers)
        )
    console = Console()
    console.width = max(console.width, 50 + 29 * len(layers))
    console.print(table)


def _cell(one: pd.Series) -> str:
    if one["verdict"] != "ok":
        return str(one["verdict"])
    return f"{one.icc:.2f} [{one.low:.2f}, {one.high:.2f}] ({one.effective_rank:.0f})"


def main(settings: Settings) -> None:
    """Measure, print a table and write it."""
    settings.check()
    path = settings.output / "invariance.csv"
    check_output(path, overwrite=settings.overwrite)
    from analysis.policies.subjects import every_step, load_subjects

    names = settings.ids
    if settings.steps == "all":
        names = tuple(every_step(names, settings.root))
    games = load_subjects(names, settings.root, controls=settings.untrained)
    rows: list[dict[str, Any]] = []
    backgrounds: dict[str, list[int]] = {}
    for game, subjects in games.items():
        found, chosen = measure_game(subjects, settings)
        rows, backgrounds[game] = rows + found, list(chosen)
        show(pd.DataFrame(rows), game)
    provenance = {
        "policies": {str(s.id): s.provenance.code for group in games.values() for s in group},
        "backgrounds": backgrounds,
        "states": settings.states,
        "replicates": settings.replicates,
        "seed": settings.seed,
    }
    frame = pd.DataFrame(rows)
    print(write_table(frame, SCHEMA, path, provenance=provenance, overwrite=settings.overwrite))


if __name__ == "__main__":
    run_command(main, Settings, name="python -m analysis.invariance")
