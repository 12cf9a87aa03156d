"""Decodable is not used: erase what a layer says of the background, and see what decisions do.

``python -m analysis.erasure`` writes two tables. ``erasure.csv``: the background's name is made
linearly unreadable in a layer (LEACE, ``analysis.measures.leace``), fitted on one half of the
levels and applied on the other, and the network goes on from there. ``patching.csv``: a part of the
layer is exchanged for that of a twin (``analysis.policies.edits``). Nearest earlier work: amnesic
probing (Elazar et al. 2021, arXiv 2006.00995) and interchange interventions (Geiger et al. 2021,
arXiv 2106.02997).

A background is *used* through a layer's subspace if erasing it removes part of the total variation
(TV) between decisions on twins, more than erasing random directions does. An edit may also just
blur a policy; TV between *states* on one background and the entropy stand in the same row.

What this can miss: the eraser takes the *mean* difference between backgrounds, linearly. What a
background does differently in every level is neither named nor erased, so ``removed`` is a lower
bound of what the layer carries; ``decoded_after`` says how much could still be read on levels that
the eraser was not fitted to. It is fitted to the backgrounds of the twin set and no others.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from tyro.conf import Positional

from analysis.records.tables import Column, Schema, check_output, write_table
from checkpoints.console import UserError, run_command
from checkpoints.policy.ids import UNTRAINED
from checkpoints.policy.store import ZOO
from checkpoints.world.games import Mode

if TYPE_CHECKING:
    from analysis.policies.subjects import Subject
    from analysis.studies.erasure.interventions import Layer

_WHO = (
    Column("game", "text", "one of the 16"),
    Column("id", "text", "policy"),
    Column("method", "text", "its training recipe"),
    Column("seed", "int", "of its training", low=0),
    Column("peer", "int", "which of its group", low=0),
    Column("step", "int", "environment steps of this peer", low=0),
    Column("layer", "text", "where the edit is made"),
)
_HOW_MANY = (
    Column("states", "int", "states, each on every background", low=4),
    Column("levels", "int", "levels they come from", low=4),
    Column("backgrounds", "int", "backgrounds of the twin set", low=4),
)


def _with_ends(name: str, meaning: str, **bounds: Any) -> tuple[Column, Column, Column]:
    ends = (("low", "2.5 % point over levels"), ("high", "97.5 % point over levels"))
    first = Column(name, "float", meaning, **bounds)
    low, high = (Column(f"{name}_{end}", "float", text) for end, text in ends)
    return first, low, high


SCHEMA = Schema(
    "erasure",
    (
        *_WHO,
        Column("kind", "text", "background, or a control of equal rank: random, shuffled"),
        Column("rank", "int", "dimensions erased, the larger of both folds", low=0),
        Column("features", "int", "dimensions of the layer", low=1),
        Column("fitted_frames", "int", "frames of a fit; fewer than features: shrunk", low=2),
        Column("shrinkage", "float", "of the covariance, Ledoit and Wolf", low=0, high=1),
        *_HOW_MANY,
        Column("chance", "float", "1 / backgrounds", low=0, high=1),
        *_with_ends("decoded", "backgrounds named on other levels", low=0, high=1),
        Column(
            "decoded_after",
            "float",
            "the same after erasure: what is left",
            low=0,
            high=1,
        ),
        Column("entropy_before", "float", "of decisions", "nats", low=0),
        Column("entropy_after", "float", "of decisions", "nats", low=0),
        Column("tv_states_before", "float", "TV between states on one background", low=0, high=1),
        Column("tv_states_after", "float", "the same after erasure", low=0, high=1),
        *_with_ends("tv_change", "TV between decisions before and after", low=0, high=1),
        Column("tv_twins_before", "float", "TV between twins, mean over pairs", low=0, high=1),
        Column("tv_twins_after", "float", "the same after erasure", low=0, high=1),
        *_with_ends("removed", "1 − tv_twins_after / tv_twins_before", high=1),
        *_with_ends("excess", "removed, less that of random"),
        *_with_ends("value_change", "mean |V after − V before|", unit="scaled return", low=0),
        Column("episodes", "int", "played before and after; 0: none", low=0),
        Column("return_before", "float", "mean return on levels of their own"),
        Column("return_after", "float", "the same levels with the subspace erased"),
        *_with_ends("return_change", "mean paired difference"),
        Column("verdict", "text", "see analysis.studies.erasure.interventions.verdict"),
    ),
    key=("game", "id", "layer", "kind"),
)
PATCHING_SCHEMA = Schema(
    "patching",
    (
        *_WHO,
        Column("part", "text", "what is exchanged with a twin"),
        Column("share", "float", "of the layer's dimensions, or of its cells", low=0, high=1),
        *_HOW_MANY,
        Column("tv_twins", "float", "TV between a state and the twin it takes from", low=0, high=1),
        *_with_ends("moved", "TV to its own decision / tv_twins; all of the layer: 1", low=0),
        *_with_ends("reached", "1 − TV to the twin's decision / tv_twins; all: 1", high=1),
    ),
    key=("game", "id", "layer", "part"),
)


@dataclass(frozen=True)
class Settings:
    """Erase the background from each layer and see what decisions, values and returns do.

    TV is the total variation between action distributions, 0 to 1. Intervals are 95 % bootstraps
    over levels; they do not speak of other training seeds.
    """

    ids: Positional[tuple[str, ...]] = ()
    """policies: ids such as starpilot/mutual/0, or files; none takes all shipped"""
    layers: tuple[str, ...] = ()
    """only these layers, such as conv3 hidden; all if none is given"""
    states: int = 200
    """states of each game, from levels that no policy was trained on"""
    backgrounds: int = 6
    """backgrounds that each state is drawn on, at least 4"""
    episodes: int = 48
    """episodes that trained policies play with their last layer erased; 0 plays none"""
    replicates: int = 500
    """bootstrap replicates behind each interval"""
    untrained: int = 1
    """untrained policies to compare with, for each game"""
    seed: int = 0
    """of states, folds, controls, episodes and the bootstrap"""
    root: Path = ZOO
    """where ids are looked up: the zoo, or a folder of runs"""
    output: Path = Path("results")
    """folder that receives erasure.csv and patching.csv"""
    overwrite: bool = False
    """replace tables that exist"""


class Stage:
    """Episodes of one game, on levels that neither training nor the state bank contains."""

    def __init__(self, game: str, mode: Mode, settings: Settings) -> None:
        """Make the environments."""
        from analysis.stats.clusters import cluster_interval
        from checkpoints.training.evaluate import Evaluation
        from checkpoints.world.environments import Levels

        bank = Levels.unseen()
        levels = Levels(bank.start + bank.count, bank.count)
        self.evaluation = Evaluation(
            game, mode, levels=levels, num_envs=settings.episodes, seed=settings.seed
        )
        self.interval = partial(
            cluster_interval, replicates=settings.replicates, seed=settings.seed
        )

    def rows(self, layer: "Layer") -> Iterator[dict[str, Any]]:
        """The cells of episodes, for each kind of subspace.

        The eraser is the first fold's: the levels played are new to both.
        """
        from analysis.measures.erasers import KINDS
        from analysis.policies.edits import erase, patched

        policy, levels = layer.subject.policy, self.evaluation.levels
        before = self.evaluation.returns(policy)
        for kind in KINDS:
            with patched(policy, {layer.layer: erase(layer.fit.erasers[kind][0])}):
                after = self.evaluation.returns(policy)
            change = self.interval(after - before, levels)
            yield {
                "episodes": len(before),
                "return_before": before.mean(),
                "return_after": after.mean(),
                "return_change": change.estimate,
                "return_change_low": change.low,
                "return_change_high": change.high,
            }


NOT_PLAYED = {column.name: np.nan for column in SCHEMA.columns if "return" in column.name} | {
    "episodes": 0
}


def examine(
    subjects: "Sequence[Subject]", settings: Settings
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of both tables for the policies of one game."""
    from rich.console import Console
    from rich.progress import track

    from analysis.studies.erasure.interventions import (
        Layer,
        erasure_rows,
        gather_study,
        patching_rows,
    )

    game, mode = subjects[0].id.game, subjects[0].mode
    counts = settings.states, settings.backgrounds, settings.replicates
    study = gather_study(game, mode, *counts, seed=settings.seed)
    stage = Stage(game, mode, settings) if settings.episodes else None
    work = [(one, name) for one in subjects for name in settings.layers or one.policy.layers]
    erasures: list[dict[str, Any]] = []
    patches: list[dict[str, Any]] = []
    console = Console(stderr=True)
    for subject, name in track(work, f"erasing in {game}", console=console, transient=True):
        layer = Layer.of(subject, name, study)
        rows = erasure_rows(layer)
        last = name == subject.policy.layers[-1] and subject.id.method != UNTRAINED
        played = stage.rows(layer) if stage and last else [NOT_PLAYED] * len(rows)
        erasures += [row | cells for row, cells in zip(rows, played, strict=True)]
        patches += patching_rows(layer)
    return erasures, patches


_HEADS = (
    *("policy", "layer", "decoded", "after", "TV twins", "after", "removed", "random, shuffled"),
    *("carried", "return", "verdict"),
)


def show(erasures: pd.DataFrame, patches: pd.DataFrame, game: str) -> None:
    """Print what erasing and exchanging the background's subspace does, a line a layer."""
    from rich.console import Console
    from rich.table import Table

    rows = erasures[erasures["game"] == game].set_index(["id", "layer", "kind"])
    parts = patches[patches["game"] == game].set_index(["id", "layer", "part"])
    first = rows.iloc[0]
    title = (
        f"{game}: the background erased, {first.states} states of {first.levels} unseen levels on "
        f"{first.backgrounds} backgrounds"
    )
    table = Table(title=title)
    for head in _HEADS:
        table.add_column(head, no_wrap=True)
    for (name, layer, kind), row in rows.iterrows():
        if kind != "background":
            continue
        controls = (rows.loc[(name, layer, other)].removed for other in ("random", "shuffled"))
        carried = parts.loc[(name, layer, "background")].reached
        ends = f"[{row.return_change_low:+.1f}, {row.return_change_high:+.1f}]"
        table.add_row(
            name,
            layer,
            *(f"{value:.2f}" for value in (row.decoded, row.decoded_after)),
            *(f"{value:.3f}" for value in (row.tv_twins_before, row.tv_twins_after)),
            f"{row.removed:.2f} [{row.removed_low:.2f}, {row.removed_high:.2f}]",
            " ".join(f"{value:.2f}" for value in controls),
            f"{carried:.2f}",
            f"{row.return_change:+.1f} {ends}" if row.episodes else "–",
            row.verdict,
        )
    console = Console()
    console.width = max(console.width, 165)
    console.print(table)


def main(settings: Settings) -> None:
    """Erase, exchange, play, print a table and write two."""
    paths = [settings.output / name for name in ("erasure.csv", "patching.csv")]
    for path in paths:
        check_output(path, overwrite=settings.overwrite)
    if settings.backgrounds < 4:
        raise UserError(
            f"--backgrounds: expected at least 4, which a mask needs, got {settings.backgrounds}"
        )
    from analysis.policies.subjects import load_subjects

    games = load_subjects(settings.ids, settings.root, controls=settings.untrained)
    erasures, patches = [], []
    for game, subjects in games.items():
        found = examine(subjects, settings)
        erasures += found[0]
        patches += found[1]
        show(pd.DataFrame(erasures), pd.DataFrame(patches), game)
    provenance = {
        "policies": {str(s.id): s.code for group in games.values() for s in group},
        **{name: getattr(settings, name) for name in ("states", "backgrounds", "episodes")},
        **{name: getattr(settings, name) for name in ("replicates", "seed")},
    }
    tables = (pd.DataFrame(erasures), SCHEMA), (pd.DataFrame(patches), PATCHING_SCHEMA)
    for path, (frame, schema) in zip(paths, tables, strict=True):
        print(write_table(frame, schema, path, provenance=provenance, overwrite=settings.overwrite))


if __name__ == "__main__":
    run_command(main, Settings, name="python -m analysis.erasure")
