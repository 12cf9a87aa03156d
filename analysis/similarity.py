"""A panel of similarities beside CKA, each with its chance level and its controls.

``python -m analysis.similarity`` asks whether peers are more alike than policies that share less.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from tyro.conf import Positional

from analysis.records.tables import Column, Schema, check_output, write_table
from checkpoints.console import run_command
from checkpoints.policy.store import ZOO

if TYPE_CHECKING:
    from analysis.measures.panel import Look
    from analysis.policies.subjects import Subject
    from analysis.studies.similarity.pairs import Likeness
    from checkpoints.policy.ids import PolicyId

_LAYERS = (Column("layer_x", "text", "layer of x"), Column("layer_y", "text", "layer of y"))
_SIZE = (
    Column("states", "int", "states compared", low=4),
    Column("levels", "int", "levels they come from", low=4),
)
_ENDS = (
    Column("low", "float", "2.5 % point of the bootstrap over levels; none for spectra"),
    Column("high", "float", "97.5 % point of the bootstrap over levels; none for spectra"),
)
SCHEMA = Schema(
    "similarity",
    (
        Column("game", "text", "one of the 16"),
        Column("id_x", "text", "policy x"),
        Column("id_y", "text", "policy y"),
        Column("pair", "text", "how x and y are related"),
        Column("measure", "text", "row of the property table, analysis.measures.panel.MEASURES"),
        *_LAYERS,
        *_SIZE,
        Column("value", "float", "of the measure; cka_angular in radians, 0 where equal"),
        *_ENDS,
        Column("chance", "float", "mean after levels change places; none for spectra"),
        Column("threshold", "float", "what chance exceeds in any cell of the map 5 % of the time"),
        Column("p", "float", "of the cell alone, by permutation of levels", low=0, high=1),
        Column("p_max", "float", "of the cell as one of the map's", low=0, high=1),
        Column("calibrated", "float", "(value − threshold) / (1 − threshold), at least 0", low=0),
        Column("agreement", "float", "states on which the likeliest actions agree", low=0, high=1),
    ),
    key=("game", "id_x", "id_y", "measure", "layer_x", "layer_y"),
)
NULL_SCHEMA = Schema(
    "similarity_nulls",
    (
        Column("game", "text", "one of the 16"),
        Column("peers", "text", "the two policies distilled into each other"),
        Column("null", "text", "kind of pair they are set beside"),
        Column("null_pair", "text", "the pair of nearest agreement, or why there is none"),
        Column("on", "text", "all states, or those on which both pairs agree with themselves"),
        Column("measure", "text", "row of the property table, analysis.measures.panel.MEASURES"),
        Column("layer", "text", "of all four policies"),
        *_SIZE,
        Column("value", "float", "of the peers"),
        Column("null_value", "float", "of the null pair; none where there is no such pair"),
        Column("difference", "float", "value − null_value"),
        *_ENDS,
        Column("agreement", "float", "of the peers' likeliest actions", low=0, high=1),
        Column("null_agreement", "float", "of the null pair's", low=0, high=1),
        Column("matched", "bool", "whether the two agreements are within .05"),
    ),
    key=("game", "peers", "null", "on", "measure", "layer"),
)


@dataclass(frozen=True)
class Settings:
    """Compare policies by ten measures, and each measure with chance and with its controls.

    Values are comparable within a measure only. Intervals are 95 % bootstraps over levels; p is
    from permutations of whole levels, one for all layers. Both see the same pictures, so p below
    .05 is the least that can be asked: the pairs to beat are two seeds and two untrained encoders.
    """

    ids: Positional[tuple[str, ...]] = ()
    """policies to compare: ids such as starpilot/mutual/0, or files; none takes all shipped"""
    layers: tuple[str, ...] = ()
    """only these layers, such as conv3 hidden; all if none is given"""
    states: int = 600
    """states of each game, from levels that no policy was trained on"""
    permutations: int = 500
    """permutations of levels behind each p-value"""
    replicates: int = 200
    """bootstrap replicates behind each interval"""
    neighbours: int = 10
    """nearest states compared by the measure neighbours"""
    bandwidth: float = 0.5
    """of the Gaussian kernel, in units of the median distance"""
    keep: float = 0.99
    """share of variance that SVCCA and PWCCA keep"""
    untrained: int = 2
    """untrained policies to compare with each other, for each game"""
    seed: int = 0
    """of the states, the permutations and the bootstrap"""
    root: Path = ZOO
    """where ids are looked up: the zoo, or a folder of runs"""
    output: Path = Path("results")
    """folder that receives similarity.csv, similarity_nulls.csv and similarity_outliers.csv"""
    overwrite: bool = False
    """replace tables that exist"""


def look_at(
    subjects: "Sequence[Subject]",
    own: np.ndarray,
    plain: np.ndarray,
    layers: Sequence[str] | None,
) -> "dict[PolicyId, Look]":
    """Every policy's layers on both renderings of the states."""
    from analysis.measures.panel import Look
    from analysis.policies.features import read

    looks = {}
    for subject in subjects:
        reading = read(subject.policy, own, layers)
        other = reading if plain is own else read(subject.policy, plain, layers)
        names = tuple(reading.layers)
        met, alike = ([one.layers[name] for name in names] for one in (reading, other))
        looks[subject.id] = Look(names, met, alike, reading.log_probs.argmax(1))
    return looks


def compare_game(
    subjects: "Sequence[Subject]", settings: Settings
) -> "tuple[list[Likeness], list[dict[str, object]], list[dict[str, object]]]":
    """The panel of one game: every pair, the contrasts with the nulls, and the outliers' curves."""
    from rich.console import Console
    from rich.progress import track

    from analysis.measures.chance import level_permutations
    from analysis.measures.panel import Setup
    from analysis.scenes.common import common_bank
    from analysis.stats.clusters import cluster_weights
    from analysis.studies.similarity.nulls import contrasts
    from analysis.studies.similarity.outliers import outlier_rows
    from analysis.studies.similarity.pairs import comparable_pairs, liken
    from checkpoints.world.renderer import Renderer

    game = subjects[0].id.game
    pairs = comparable_pairs([one.id for one in subjects])
    bank = common_bank(game, subjects[0].mode, settings.states, settings.seed)
    # Within a level by time: permuted levels then meet beginning to beginning.
    order = np.lexsort((bank.time, bank.levels))
    own, levels = np.asarray(bank.observations)[order], np.asarray(bank.levels)[order]
    shown = subjects[0].trained_backgrounds[0]
    plain = Renderer(game).render_each([bank.states[i] for i in order.tolist()], [shown] * len(own))
    if np.array_equal(own, plain):
        print(f"{game} shows one background: cka_one_background is cka there")
        plain = own
    looks = look_at(subjects, own, plain, settings.layers or None)
    setup = Setup.of(levels, own, settings.neighbours, settings.bandwidth, settings.keep)
    weights = cluster_weights(levels, settings.replicates, settings.seed)
    moves = level_permutations(levels, settings.permutations, settings.seed)
    console = Console(stderr=True)
    watched = partial(track, description=game, console=console, transient=True)
    found = liken(pairs, looks, setup, weights, moves, watched)
    rest = settings.replicates, settings.seed
    nulls = list(contrasts(found, looks, setup, own, moves, *rest))
    return found, nulls, list(outlier_rows(found, looks, levels, *rest))


def show(rows: pd.DataFrame, game: str) -> None:
    """Print each measure of same layers, a line for each kind of pair and its agreement."""
    from rich.console import Console
    from rich.table import Table

    here = rows[(rows["game"] == game) & (rows["layer_x"] == rows["layer_y"])]
    if here.empty:
        print(
            f"{game}: encoders differ, no layer is in both; see the table for all pairs of layers"
        )
        return
    layers, first = list(dict.fromkeys(here["layer_x"])), here.iloc[0]
    title = f"{game}: {first.states} states, {first.levels} unseen levels; * not beyond chance"
    table = Table("measure", "pair", "agreement", *layers, title=title)
    for measure, group in here.groupby("measure", sort=False):
        for pair, cells in group.groupby("pair", sort=False):
            shown = (_cell(cells[cells["layer_x"] == layer]) for layer in layers)
            table.add_row(str(measure), str(pair), f"{cells['agreement'].mean():.2f}", *shown)
        table.add_section()
    console = Console()
    console.width = max(console.width, 60 + 20 * len(layers))
    console.print(table)
    if here["value"].isna().any():
        print(
            "–: not defined. The layer does not vary, or SVCCA and PWCCA have more directions than "
            "states: give more --states or a lower --keep"
        )


def _cell(cells: pd.DataFrame) -> str:
    """The mean over pairs, with the interval where there is only one."""
    value = cells["value"].mean()
    if np.isnan(value):
        return "–"
    mark = "*" if (cells["p_max"] > 0.05).any() else ""
    one = cells.iloc[0]
    ends = "" if len(cells) > 1 or np.isnan(one.low) else f" [{one.low:.2f}, {one.high:.2f}]"
    return f"{value:.2f}{mark}{ends}"


def show_nulls(rows: pd.DataFrame, game: str, measure: str = "cka") -> None:
    """Print how much more alike the peers are than each null, by one measure."""
    from rich.console import Console
    from rich.table import Table

    here = rows[(rows["game"] == game) & (rows["measure"] == measure)]
    if here.empty:
        return
    layers = list(dict.fromkeys(here["layer"]))
    table = Table(
        *("peers minus", "on", "states", "agreement of both"),
        *layers,
        title=f"{game}: how much more alike peers are ({measure})",
    )
    for (_, null, on), cells in here.groupby(["peers", "null", "on"], sort=False):
        one = cells.iloc[0]
        shown = [
            "–" if np.isnan(c.difference) else f"{c.difference:+.2f} [{c.low:+.2f}, {c.high:+.2f}]"
            for c in cells.itertuples()
        ]
        both = f"{one.agreement:.2f}, {one.null_agreement:.2f}"
        table.add_row(str(null), str(on), str(one.states), both, *shown)
    console = Console()
    console.width = max(console.width, 60 + 22 * len(layers))
    console.print(table)
    for why in here["null_pair"].drop_duplicates():
        if why.startswith("none"):
            print(f"–: {why}")


def main(settings: Settings) -> None:
    """Compare, print two tables a game and write three."""
    from analysis.studies.similarity.outliers import OUTLIER_SCHEMA

    schemas = SCHEMA, NULL_SCHEMA, OUTLIER_SCHEMA
    paths = [settings.output / f"{schema.name}.csv" for schema in schemas]
    for path in paths:
        check_output(path, overwrite=settings.overwrite)
    from analysis.policies.subjects import load_subjects

    games = load_subjects(settings.ids, settings.root, controls=settings.untrained)
    tables: tuple[list[dict[str, object]], ...] = ([], [], [])
    for game, subjects in games.items():
        found, nulls, outliers = compare_game(subjects, settings)
        rows = [row for one in found for row in one.rows()]
        for table, new in zip(tables, (rows, nulls, outliers), strict=True):
            table.extend(new)
        show(pd.DataFrame(rows), game)
        show_nulls(pd.DataFrame(nulls, columns=list(NULL_SCHEMA.names)), game)
    provenance = {
        "policies": {str(s.id): s.code for group in games.values() for s in group},
        **{name: getattr(settings, name) for name in ("states", "permutations", "replicates")},
        **{name: getattr(settings, name) for name in ("neighbours", "bandwidth", "keep", "seed")},
    }
    for path, schema, table in zip(paths, schemas, tables, strict=True):
        frame = pd.DataFrame(table, columns=list(schema.names))
        print(write_table(frame, schema, path, provenance=provenance, overwrite=settings.overwrite))


if __name__ == "__main__":
    run_command(main, Settings, name="python -m analysis.similarity")
