"""The panel of similarities of one game: measured, and printed."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd

from analysis.measures.chance import level_permutations
from analysis.measures.decisions import likeliest
from analysis.measures.panel import PolicyLayers, Setup
from analysis.policies.features import read
from analysis.policies.layers import asked_layers, check_layers
from analysis.policies.subjects import Subject
from analysis.records.command import Frames
from analysis.scenes.common import common_bank
from analysis.scenes.worlds import world_of
from analysis.stats.clusters import cluster_weights
from analysis.studies.examination import Found
from analysis.studies.similarity.agreement import HEADING, both_of
from analysis.studies.similarity.compared import SCHEMA, comparable_pairs, compare_pairs
from analysis.studies.similarity.nulls import NULL_SCHEMA, contrasts
from analysis.studies.similarity.outliers import OUTLIER_SCHEMA, outlier_rows
from analysis.studies.similarity.printed import agreement_in, mean_in, pairs_in
from checkpoints.console import say, show_tables, watch
from checkpoints.policy.ids import PolicyId

SCHEMAS = SCHEMA, NULL_SCHEMA, OUTLIER_SCHEMA


def look_at(
    subjects: Sequence[Subject],
    own: np.ndarray,
    plain: np.ndarray,
    layers: Mapping[PolicyId, Sequence[str]],
) -> dict[PolicyId, PolicyLayers]:
    """Every policy's layers on both renderings of the states."""
    looks = {}
    for subject in watch(subjects, f"{subjects[0].id.game}: reading layers"):
        reading = read(subject.policy, own, layers[subject.id])
        other = reading if plain is own else read(subject.policy, plain, layers[subject.id])
        names = tuple(reading.layers)
        met, alike = ([one.layers[name] for name in names] for one in (reading, other))
        looks[subject.id] = PolicyLayers(
            names, met, alike, likeliest(reading.log_probs, subject.id.game)
        )
    return looks


def measure_game(
    subjects: Sequence[Subject],
    *,
    layers: Sequence[str],
    states: int,
    permutations: int,
    replicates: int,
    neighbours: int,
    bandwidth: float,
    keep: float,
    seed: int,
) -> Found:
    """The panel of one game: every pair, the contrasts with the nulls, and the outliers' curves."""
    game = subjects[0].id.game
    wanted = asked_layers(subjects, layers)
    subjects = [one for one in subjects if one.id in wanted]
    if not subjects:
        return Found([[], [], []])
    pairs = comparable_pairs([one.id for one in subjects])
    bank = common_bank(game, subjects[0].mode, states, seed)
    # Within a level by time: permuted levels then meet beginning to beginning.
    order = np.lexsort((bank.time, bank.levels))
    own, level = np.asarray(bank.observations)[order], np.asarray(bank.levels)[order]
    shown = subjects[0].trained_backgrounds[0]
    states_in_order = [bank.states[i] for i in order.tolist()]
    plain = world_of(game).render_each(states_in_order, [shown] * len(own))
    if np.array_equal(own, plain):
        say(f"{game} shows one background: cka_one_background is cka there")
        plain = own
    looks = look_at(subjects, own, plain, wanted)
    setup = Setup.of(level, own, neighbours, bandwidth, keep)
    weights = cluster_weights(level, replicates, seed)
    moves = level_permutations(level, permutations, seed)
    watched = partial(watch, doing=f"{game}: comparing by each measure")
    found = compare_pairs(pairs, looks, setup, weights, moves, watched)
    say(f"{game}: setting peers beside their nulls")
    nulls = list(contrasts(found, looks, setup, own, moves, replicates, seed))
    outliers = list(outlier_rows(found, looks, level, replicates, seed))
    return Found([[row for one in found for row in one.rows()], nulls, outliers])


def show(frames: Frames, game: str) -> None:
    """Print every pair by every measure, then the peers beside their nulls."""
    pairs, nulls, _ = frames
    show_pairs(pairs, game)
    show_nulls(nulls, game)


def show_pairs(rows: pd.DataFrame, game: str) -> None:
    """Print each measure of same layers, a line for each kind of pair and its agreement."""
    from rich.table import Table

    here = rows[(rows["game"] == game) & (rows["layer_x"] == rows["layer_y"])]
    if here.empty:
        print(
            f"{game}: encoders differ, no layer is in both; see the table for all pairs of layers"
        )
        return
    layers, first = list(dict.fromkeys(here["layer_x"])), here.iloc[0]
    title = f"{game}: {first.states} states, {first.levels} unseen levels; * not beyond chance"
    table = Table("measure", "pair", HEADING, *layers, title=title)
    for measure, group in here.groupby("measure", sort=False):
        for pair, cells in group.groupby("pair", sort=False):
            pairs = pairs_in(cells)
            shown = (_cell(cells[cells["layer_x"] == layer], pairs) for layer in layers)
            table.add_row(str(measure), str(pair), agreement_in(cells), *shown)
        table.add_section()
    show_tables(table, keys=2)
    if here["value"].isna().any():
        print(
            "–: not defined. The layer does not vary, or SVCCA and PWCCA have more directions than "
            "states: give more --states or a lower --keep"
        )


def _cell(cells: pd.DataFrame, pairs: int) -> str:
    """The mean over pairs, marked where one of them is not beyond chance."""
    return mean_in(cells, "value", pairs, "*" if (cells["p_max"] > 0.05).any() else "")


def show_nulls(rows: pd.DataFrame, game: str, measure: str = "cka") -> None:
    """Print how much more alike the peers are than each null, by one measure."""
    from rich.table import Table

    here = rows[(rows["game"] == game) & (rows["measure"] == measure)]
    if here.empty:
        return
    layers = list(dict.fromkeys(here["layer"]))
    table = Table(
        *("peers minus", "on", "states", f"{HEADING} of both"),
        *layers,
        title=f"{game}: how much more alike peers are ({measure})",
    )
    for (_, null, on), cells in here.groupby(["peers", "null", "on"], sort=False):
        one = cells.iloc[0]
        of = {
            c.layer: "–"
            if np.isnan(c.difference)
            else f"{c.difference:+.2f} [{c.low:+.2f}, {c.high:+.2f}]"
            for c in cells.itertuples()
        }
        shown = [of.get(layer, "") for layer in layers]
        sides = (one.agreement, one.kappa), (one.null_agreement, one.null_kappa)
        both = ", ".join(both_of(*side) for side in sides)
        table.add_row(str(null), str(on), str(one.states), both, *shown)
    show_tables(table, keys=2)
    for why in here["null_pair"].drop_duplicates():
        if why.startswith("none"):
            print(f"–: {why}")


def check(subjects: Sequence[Subject], layers: Sequence[str]) -> None:
    """Raise ``UserError``, before any work, for a layer that no policy has, or a policy alone."""
    check_layers(subjects, layers)
    there = [one.id for one in subjects if not layers or {*layers} & {*one.policy.layers}]
    for game in dict.fromkeys(one.game for one in there):
        comparable_pairs([one for one in there if one.game == game])
