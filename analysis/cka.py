"""Linear CKA between layers: how alike two representations are, up to rotation and scale.

``python -m analysis.cka`` compares the shipped policies with each other and with untrained ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from jaxtyping import Float
from tyro.conf import Positional

from analysis.measures.hsic import Undefined, check_features, check_states, cka_grams, linear_gram
from analysis.measures.moments import Moments
from analysis.records.tables import Column, Schema, check_output, write_table
from checkpoints.console import UserError, run_command
from checkpoints.policy.store import ZOO
from checkpoints.world.games import get_game

if TYPE_CHECKING:
    from analysis.policies.subjects import Subject
    from analysis.studies.similarity.cka import Comparison, Rendering


SCHEMA = Schema(
    "cka",
    (
        Column("game", "text", "one of the 16"),
        Column("id_x", "text", "policy x"),
        Column("id_y", "text", "policy y; x itself where pair is self"),
        Column("method_x", "text", "training recipe of x"),
        Column("method_y", "text", "training recipe of y"),
        Column("pair", "text", "how x and y are related"),
        Column("rendering", "text", "same: one picture; twin: y sees it on another background"),
        Column("layer_x", "text", "layer of x"),
        Column("layer_y", "text", "layer of y"),
        Column("states", "int", "states compared", low=4),
        Column("levels", "int", "levels they come from", low=4),
        Column("cka", "float", "unbiased over tuples of distinct levels, never clamped"),
        Column("low", "float", "2.5 % point of the bootstrap over levels"),
        Column("high", "float", "97.5 % point of the bootstrap over levels"),
        Column("cka_biased", "float", "Kornblith et al. 2019, for comparison", low=0, high=1),
        Column("agreement", "float", "states on which the likeliest actions agree", low=0, high=1),
    ),
    key=("game", "id_x", "id_y", "rendering", "layer_x", "layer_y"),
)
CONTRAST_SCHEMA = Schema(
    "cka_contrast",
    (
        Column("game", "text", "one of the 16"),
        Column("rendering", "text", "same or twin, as in the table cka"),
        Column("layer", "text", "of both policies"),
        Column("contrast", "text", "what is subtracted from what"),
        Column("difference", "float", "of mean CKA"),
        Column("low", "float", "2.5 % point of the bootstrap over levels"),
        Column("high", "float", "97.5 % point of the bootstrap over levels"),
    ),
    key=("game", "rendering", "contrast", "layer"),
)


@dataclass(frozen=True)
class Settings:
    """Compare policies layer by layer, on the same pictures and across twins.

    CKA is 1 for representations equal up to rotation and scale, about 0 for unrelated ones.
    Intervals are 95 % bootstraps over levels; they do not speak of other training seeds.
    """

    ids: Positional[tuple[str, ...]] = ()
    """policies to compare: ids such as starpilot/mutual/0, or files; none takes all shipped"""
    layers: tuple[str, ...] = ()
    """only these layers, such as conv3 hidden; all if none is given"""
    states: int = 600
    """states of each game, from levels that no policy was trained on"""
    replicates: int = 500
    """bootstrap replicates behind each interval"""
    untrained: int = 2
    """untrained policies to compare with, for each game"""
    seed: int = 0
    """of the states, the twins and the bootstrap"""
    root: Path = ZOO
    """where ids are looked up: the zoo, or a folder of runs"""
    output: Path = Path("results")
    """folder that receives cka.csv and cka_contrast.csv"""
    overwrite: bool = False
    """replace tables that exist"""


def cka(x: np.ndarray, y: np.ndarray, *, biased: bool = False) -> float:
    """Linear CKA of two layers on the same states.

    Args:
        x: (n, d_x) features, n at least 4.
        y: (n, d_y) features of the same states.
        biased: HSIC₀ (Kornblith et al. 2019) in place of the unbiased HSIC₁ (Song et al. 2012).

    Returns:
        Never clamped. Unbiased: in [−1, 1], about 0 where independent, 1 where equal up to
        rotation, scale and translation (HSIC₁ is an inner product of U-centred kernels, Székely
        and Rizzo 2014, so Cauchy and Schwarz bound it). Biased: in [0, 1], and high wherever n is
        not far above the widths, independent or not.

    Raises:
        UserError: fewer than 4 states, unequal states, NaN or inf, or a side that does not vary.
    """
    return float(cka_matrix([x], [y], biased=biased)[0, 0])


def cka_matrix(
    xs: Sequence[np.ndarray],
    ys: Sequence[np.ndarray],
    *,
    biased: bool = False,
    undefined: Undefined = "raise",
) -> Float[np.ndarray, "x y"]:
    """:func:`cka` of every layer in ``xs`` with every layer in ``ys``, by the cheaper road.

    Args:
        xs: one (n, d) array per layer.
        ys: the same, of the same states.
        biased: as in :func:`cka`.
        undefined: what a layer that does not vary gives: an error, or NaN in its row or column.

    Returns:
        (layers of x, layers of y) float64.
    """
    _check(xs, ys)
    if _moments_are_cheaper(xs, ys):
        moments = Moments([x.shape[1] for x in xs], [y.shape[1] for y in ys])
        moments.update(xs, ys)
        return moments.cka(biased=biased, undefined=undefined)
    Ks, Ls = (
        [linear_gram(x, f"{side}, layer {i}") for i, x in enumerate(layers)]
        for side, layers in (("x", xs), ("y", ys))
    )
    return cka_grams(Ks, Ls, biased=biased, undefined=undefined)


def _check(xs: Sequence[np.ndarray], ys: Sequence[np.ndarray]) -> None:
    if not (len(xs) and len(ys)):
        raise UserError(f"expected layers on both sides, got {len(xs)} and {len(ys)}; name some")
    for side, layers in (("x", xs), ("y", ys)):
        for i, x in enumerate(layers):
            check_features(x, f"{side}, layer {i}")
            check_states(len(xs[0]), len(x))


def _moments_are_cheaper(xs: Sequence[np.ndarray], ys: Sequence[np.ndarray]) -> bool:
    """Count multiplications: n (D_x D_y + Σd²) for moments, n² (Σd + pairs) for Grams."""
    n = len(xs[0])
    dx, dy = ([x.shape[1] for x in side] for side in (xs, ys))
    own = sum(d * d for d in (*dx, *dy))
    return sum(dx) * sum(dy) + own <= n * (sum(dx) + sum(dy) + len(dx) * len(dy))


def compare_game(subjects: "Sequence[Subject]", settings: Settings) -> "list[Comparison]":
    """Every pair among the policies of one game, on one bank of states and its twins."""
    from analysis.measures.by_level import Levels
    from analysis.scenes.common import common_bank, draw_twins
    from analysis.stats.clusters import cluster_weights
    from analysis.studies.similarity.cka import compare_all

    game = subjects[0].id.game
    bank = common_bank(game, subjects[0].mode, settings.states, settings.seed)
    frames: dict[Rendering, np.ndarray] = {"same": np.asarray(bank.observations)}
    if get_game(game).backgrounds > 1:
        frames["twin"] = draw_twins(game, bank, settings.seed)
    else:
        print(f"{game} has one background and so no twins: only the same pictures are compared")
    weights = cluster_weights(bank.levels, settings.replicates, settings.seed)
    levels = Levels(bank.levels, weights)
    return list(compare_all(subjects, frames, levels, settings.layers or None))


def show(rows: pd.DataFrame, game: str) -> None:
    """Print same-layer CKA with intervals, a line for each kind of pair."""
    from rich.console import Console
    from rich.table import Table

    here = rows[(rows["game"] == game) & (rows["layer_x"] == rows["layer_y"])]
    here = here[~((here["pair"] == "self") & (here["rendering"] == "same"))]
    label = here["pair"].where(here["pair"] != "self", here["method_x"] + " with itself")
    names = list(dict.fromkeys(here["layer_x"]))
    first = here.iloc[0]
    title = f"{game}: CKA, {first.states} states, {first.levels} unseen levels"
    table = Table("pair", "y sees", "pairs", *names, "agreement", title=title)
    for (kind, pair), group in here.groupby(["rendering", label], sort=False):
        cells = group.groupby("layer_x")[["cka", "low", "high"]].mean()
        shown = [f"{c.cka:.2f} [{c.low:.2f}, {c.high:.2f}]" for c in cells.loc[names].itertuples()]
        pairs = len(group.groupby(["id_x", "id_y"]))
        agreed = f"{group['agreement'].mean():.2f}"
        sees = "the same" if kind == "same" else "a twin"
        table.add_row(pair, sees, str(pairs), *shown, agreed)
    console = Console()
    console.width = max(console.width, 60 + 20 * len(names))
    console.print(table)


def main(settings: Settings) -> None:
    """Compare, print a table and write two."""
    paths = [settings.output / name for name in ("cka.csv", "cka_contrast.csv")]
    for path in paths:
        check_output(path, overwrite=settings.overwrite)
    from analysis.policies.subjects import load_subjects
    from analysis.studies.similarity.cka import contrasts

    rows, differences = [], []
    games = load_subjects(settings.ids, settings.root, controls=settings.untrained)
    for game, subjects in games.items():
        found = compare_game(subjects, settings)
        rows += [row for one in found for row in one.rows()]
        differences.append(contrasts(found))
        show(pd.DataFrame(rows), game)
    provenance = {
        "policies": {str(s.id): s.code for group in games.values() for s in group},
        "states": settings.states,
        "replicates": settings.replicates,
        "seed": settings.seed,
    }
    tables = (pd.DataFrame(rows), SCHEMA), (pd.concat(differences), CONTRAST_SCHEMA)
    for path, (frame, schema) in zip(paths, tables, strict=True):
        print(write_table(frame, schema, path, provenance=provenance, overwrite=settings.overwrite))


if __name__ == "__main__":
    run_command(main, Settings, name="python -m analysis.cka")
