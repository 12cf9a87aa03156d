"""The policies of one game compared by CKA: measured, and printed."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.measures.level_sums import LevelWeights
from analysis.policies.relations import SELF
from analysis.policies.subjects import Subject
from analysis.records.command import Frames
from analysis.scenes.common import common_bank, draw_twins
from analysis.stats.clusters import cluster_weights
from analysis.studies.examination import Found
from analysis.studies.similarity.agreement import HEADING
from analysis.studies.similarity.cka import SCHEMA, Rendering, compare_all
from analysis.studies.similarity.cka_contrasts import CONTRAST_SCHEMA, contrasts, show_contrasts
from analysis.studies.similarity.printed import agreement_in, mean_in, pairs_in
from checkpoints.console import say, show_tables
from checkpoints.world.games import get_game

SCHEMAS = SCHEMA, CONTRAST_SCHEMA


def measure_game(
    subjects: Sequence[Subject], *, states: int, layers: Sequence[str], replicates: int, seed: int
) -> Found:
    """Every pair among the policies of one game, on one bank of states and its twins."""
    game = subjects[0].id.game
    bank = common_bank(game, subjects[0].mode, states, seed)
    frames: dict[Rendering, np.ndarray] = {"same": np.asarray(bank.observations)}
    if get_game(game).backgrounds > 1:
        frames["twin"] = draw_twins(game, bank, seed)
    else:
        say(f"{game} has one background and so no twins: only the same pictures are compared")
    levels = LevelWeights(bank.levels, cluster_weights(bank.levels, replicates, seed))
    found = list(compare_all(subjects, frames, levels, layers))
    return Found([[row for one in found for row in one.rows()], list(contrasts(found))])


def show(frames: Frames, game: str) -> None:
    """Print CKA of the same layers, then how much more alike a method's policies are."""
    rows, differences = frames
    show_pairs(rows, game)
    show_contrasts(differences, game)


def show_pairs(rows: pd.DataFrame, game: str) -> None:
    """Print the mean same-layer CKA of each kind of pair; its interval where there is one pair."""
    from rich.table import Table

    here = rows[(rows["game"] == game) & (rows["layer_x"] == rows["layer_y"])]
    here = here[~((here["pair"] == SELF) & (here["rendering"] == "same"))]
    if here.empty:
        print(f"{game}: no two policies share a layer; cka.csv has all pairs of layers")
        return
    label = here["pair"].where(here["pair"] != SELF, here["method_x"] + " with itself")
    names = list(dict.fromkeys(here["layer_x"]))
    first = here.iloc[0]
    title = f"{game}: CKA, {first.states} states, {first.levels} unseen levels"
    table = Table("pair", "y sees", "pairs", *names, HEADING, title=title)
    for (kind, pair), group in here.groupby(["rendering", label], sort=False):
        pairs = pairs_in(group)
        shown = [mean_in(group[group["layer_x"] == name], "cka", pairs) for name in names]
        sees = "the same" if kind == "same" else "a twin"
        table.add_row(pair, sees, str(pairs), *shown, agreement_in(group))
    show_tables(table, keys=2)
