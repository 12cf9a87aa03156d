"""Invariance per layer: how much of what a layer says of a state stays on other backgrounds."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analysis.measures.cosine import Cosine, Cosines
from analysis.measures.icc import Invariance, LayerSums
from analysis.policies.layers import asked_layers
from analysis.policies.subjects import Subject
from analysis.records.columns import POLICY, SIZE, estimate, filled
from analysis.records.command import Frames
from analysis.records.tables import Column, Schema
from analysis.scenes.backgrounds import cover
from analysis.scenes.bank import Bank
from analysis.scenes.common import common_bank
from analysis.scenes.twin_sets import FRAMES, Block, TwinReading, twin_set
from analysis.stats.clusters import cluster_weights
from analysis.studies.examination import Found
from analysis.studies.invariance.last_layer import LAST_SCHEMA, last_rows
from checkpoints.console import show_tables, watch
from checkpoints.world.games import get_game

SCHEMA = Schema(
    "invariance",
    (
        *POLICY,
        Column("layer", "text", "layer of its encoder"),
        Column("backgrounds", "text", "all, or those seen or unseen in training"),
        *SIZE,
        Column("renderings", "int", "backgrounds each state is drawn on", low=0),
        *estimate("icc", "ICC(2,1): 1 invariant, 0 blind to the state", high=1),
        *estimate("icc_one_way", "ICC(1,1): depends on the number of renderings", low=-1, high=1),
        *estimate("cosine", "mean cosine between a state's renderings", low=-1, high=1),
        Column("cosine_chance", "float", "the same of states of other levels", low=-1, high=1),
        Column("effective_rank", "float", "directions that the layer varies along", low=0),
        Column("dead_share", "float", "units with one value everywhere", low=0, high=1),
        Column("norm", "float", "mean norm of the layer", "activation", low=0),
        Column("spread", "float", "standard deviation / root mean square norm", low=0, high=1),
        Column("verdict", "text", "ok; collapsed or vacuous: no ICC"),
    ),
    key=("game", "id", "layer", "backgrounds"),
    command="analysis.invariance",
)
SCHEMAS = SCHEMA, LAST_SCHEMA


class LayerFound(NamedTuple):
    """What is found of one layer on one group of backgrounds."""

    icc: Invariance
    cosine: Cosine


def split(backgrounds: Sequence[int], trained: Sequence[int]) -> dict[str, tuple[int, ...]]:
    """Places in ``backgrounds`` of ``all``, of those ``seen`` in training, and of the others."""
    places = range(len(backgrounds))
    seen = tuple(k for k in places if backgrounds[k] in trained)
    return {"all": tuple(places), "seen": seen, "unseen": tuple(k for k in places if k not in seen)}


def measure_stream(
    readings: Iterable[tuple[slice, TwinReading]],
    groups: dict[str, tuple[int, ...]],
    levels: np.ndarray,
    weights: np.ndarray,
) -> dict[tuple[str, str], LayerFound | None]:
    """Every layer on every group of backgrounds, in one pass over one policy's readings.

    Args:
        readings: from :meth:`analysis.scenes.twin_sets.TwinSet.readings`, every state once.
        groups: name -> places among the backgrounds, as :func:`split` gives them.
        levels: (n,) level of each state.
        weights: (R, G) from :func:`analysis.stats.clusters.cluster_weights` on ``levels``.

    Returns:
        (layer, group) -> what was found; ``None`` for a group without backgrounds.
    """
    kept: dict[tuple[str, tuple[int, ...]], tuple[LayerSums, Cosines]] = {}
    for states, reading in readings:
        for layer, x in reading.layers.items():
            # Groups of the same backgrounds share their sums: often all were seen in training.
            for places in set(groups.values()) - {()}:
                key = layer, places
                if key not in kept:
                    kept[key] = LayerSums(levels, len(places)), Cosines(levels, len(places))
                part = x[:, _picked(places)]
                for sums in kept[key]:
                    sums.add(states, part)
    layers = list(dict.fromkeys(layer for layer, _ in kept))
    found = {}
    for key in list(kept):
        of_icc, cosines = kept.pop(key)
        found[key] = LayerFound(of_icc.result(weights), cosines.result(weights))
    return {(layer, name): found.get((layer, groups[name])) for layer in layers for name in groups}


def _picked(places: tuple[int, ...]) -> slice | list[int]:
    """Places that adjoin are a slice, which copies nothing."""
    first, last = places[0], places[-1] + 1
    return slice(first, last) if places == tuple(range(first, last)) else list(places)


def row(
    who: dict[str, Any], layer: str, group: str, found: LayerFound | None, states: int, levels: int
) -> dict[str, Any]:
    """One row; ``who``: ``Subject.columns``; ``found`` is None where there are no backgrounds."""
    label: dict[str, Any] = {
        **who,
        **{"layer": layer, "backgrounds": group, "states": states, "levels": levels},
    }
    if found is None:
        numbers = SCHEMA.names[len(label) + 1 : -1]
        return {**label, "renderings": 0, **dict.fromkeys(numbers, np.nan), "verdict": "vacuous"}
    icc, cosine = found
    label["renderings"] = icc.backgrounds
    for name in ("effective_rank", "dead_share", "norm", "spread", "verdict"):
        label[name] = getattr(icc, name)
    label |= filled("icc", icc.icc) | filled("icc_one_way", icc.one_way)
    return label | filled("cosine", cosine.draws) | {"cosine_chance": cosine.chance}


def measure_game(
    subjects: Sequence[Subject],
    *,
    states: int,
    backgrounds: int,
    layers: Sequence[str],
    replicates: int,
    seed: int,
) -> Found:
    """All rows of one game, its policies on the same twins; none where none has a layer asked."""
    game = subjects[0].id.game
    wanted = asked_layers(subjects, layers)
    subjects = [one for one in subjects if one.id in wanted]
    if not subjects:
        return Found([[], []])
    rows: list[dict[str, Any]] = []
    closer: list[dict[str, Any]] = []
    bank = common_bank(game, subjects[0].mode, states, seed)
    weights = cluster_weights(bank.levels, replicates, seed)
    chosen = cover(game, [one.trained_backgrounds for one in subjects], backgrounds)
    for one in watch(subjects, f"{game}: reading layers"):
        last, kept = one.policy.layers[-1], list[np.ndarray]()
        readings = keeping(_readings(one, bank, chosen, wanted[one.id]), last, kept)
        groups = split(chosen, one.trained_backgrounds)
        found = measure_stream(readings, groups, bank.levels, weights)
        sizes = len(bank), weights.shape[1]
        rows += [row(one.columns, *key, cell, *sizes) for key, cell in found.items()]
        if kept:
            cells = {name: found[last, name] for name in groups}
            of_groups = {name: cell and cell.icc for name, cell in cells.items()}
            label, how = {**one.columns, "layer": last}, (bank.levels, weights, seed)
            closer += last_rows(label, np.concatenate(kept), groups, of_groups, *how)
    return Found([rows, closer], {"backgrounds": list(chosen)})


def keeping(
    readings: Iterable[tuple[slice, TwinReading]], layer: str, kept: list[np.ndarray]
) -> Iterator[tuple[slice, TwinReading]]:
    """The readings as they pass, one layer of them kept."""
    for states, reading in readings:
        if layer in reading.layers:
            kept.append(reading.layers[layer])
        yield states, reading


def _readings(
    subject: Subject, bank: Bank, backgrounds: Sequence[int], layers: Sequence[str]
) -> Iterator[tuple[slice, TwinReading]]:
    """A policy on the twins; on the bank's own pictures in a game that has no twins."""
    if get_game(subject.id.game).backgrounds > 1:
        yield from twin_set(subject.id.game, bank, backgrounds).readings(subject.policy, layers)
        return
    for start in range(0, len(bank), FRAMES):
        states = slice(start, min(start + FRAMES, len(bank)))
        frames = np.asarray(bank.observations[states])[:, None]
        yield states, Block(states, frames).read(subject.policy, layers)


def show(frames: Frames, game: str) -> None:
    """Print the ICC with its interval and the effective rank, a line for each policy and group."""
    from rich.table import Table

    rows, _ = frames
    here = rows[rows["game"] == game]
    if here.empty:
        return
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
    show_tables(table, keys=2)


def _cell(one: pd.Series) -> str:
    if one["verdict"] != "ok":
        return str(one["verdict"])
    return f"{one.icc:.2f} [{one.icc_low:.2f}, {one.icc_high:.2f}] ({one.effective_rank:.0f})"
