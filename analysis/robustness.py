"""R-robustness: how far decisions move when only the picture does, beside how far they can move.

``python -m analysis.robustness`` measures the shipped policies, and untrained ones, on twins and on
pictures changed in other ways.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from tyro.conf import Positional

from analysis.measures.decisions import (
    MEASURES,
    UNDECIDED,
    Decisions,
    Pairs,
    is_undecided,
    robustness,
)
from analysis.records.tables import Column, Schema, check_output, write_table
from analysis.scenes.backgrounds import GROUPS, cover, pairs_of
from analysis.stats.clusters import cluster_weights
from checkpoints.console import UserError, run_command
from checkpoints.policy.store import ZOO

if TYPE_CHECKING:
    from analysis.policies.subjects import Subject
    from analysis.scenes.bank import Bank

CYCLES = ("cycle_2", "cycle_3")


def _with_ends(*column: Any) -> tuple[Column, ...]:
    name, _, meaning, *rest = column
    ends = (("low", "2.5 % point of"), ("high", "97.5 % point of"))
    more = (Column(f"{name}_{end}", "float", f"{words} {name}", *rest) for end, words in ends)
    return Column(name, "float", meaning, *rest), *more


SCHEMA = Schema(
    "robustness",
    (
        Column("game", "text", "one of the 16"),
        Column("id", "text", "the policy"),
        Column("method", "text", "its training recipe"),
        Column("seed", "int", "of its training", low=0),
        Column("peer", "int", "which of its group", low=0),
        Column("step", "int", "environment steps of this peer", low=0),
        Column("axis", "text", "what differs between the views of a state"),
        Column("backgrounds", "text", "pairs of backgrounds compared; own where none is swapped"),
        Column("verdict", "text", "measured; undecided: no ratio; vacuous: nothing to compare"),
        Column("states", "int", "states measured", low=1),
        Column("levels", "int", "levels they come from", low=2),
        Column("views", "int", "views of each state", low=0),
        Column("pixels_changed", "float", "share of pixels in which two views differ", low=0),
        *_with_ends("tv", 0, "total variation between views", "", 0, 1),
        *_with_ends("tv_worst", 0, "the same, worst pair of each state", "", 0, 1),
        *_with_ends("tv_between", 0, "total variation between states of two levels", "", 0, 1),
        *_with_ends("ratio", 0, "tv / tv_between, of one resample", "", 0),
        *_with_ends("agreement", 0, "pairs of views whose likeliest actions agree", "", 0, 1),
        *_with_ends("entropy", 0, "of the decisions", "nats", 0, 2.7081),
        *_with_ends("jsd", 0, "Jensen–Shannon divergence between views", "nats", 0, 0.6932),
        *_with_ends("value_shift", 0, "|ΔV| between views", "scaled reward", 0),
        *_with_ends("value_between", 0, "|ΔV| between states of two levels", "scaled reward", 0),
        *_with_ends("cycle_2", 0, "two-way cycle consistency of the last layer", "", 0, 1),
        *_with_ends("cycle_3", 0, "three-way cycle consistency", "", 0, 1),
        Column("chance_2", "float", "two-way score of a random guess", low=0, high=1),
        Column("chance_3", "float", "three-way score of a random guess", low=0, high=1),
        Column("trajectories", "int", "trajectories asked for cycles", low=0),
    ),
    key=("game", "id", "axis", "backgrounds"),
)


@dataclass(frozen=True)
class Settings:
    """Measure how far decisions depend on the background, and on other changes of the picture.

    A ratio of 0 says that decisions follow the state alone, 1 that another picture of a state
    moves them as much as another state does. Intervals are 95 % bootstraps over levels.
    """

    ids: Positional[tuple[str, ...]] = ()
    """policies to measure: ids such as starpilot/mutual/0, or files; none takes all shipped"""
    steps: Literal["last", "all"] = "last"
    """of a run that is named without a step: its last kept policies, or all of them"""
    states: int = 600
    """states of each game, from levels that no policy was trained on"""
    backgrounds: int = 8
    """backgrounds each is drawn on; more where seen or unseen ones would be missing"""
    views: int = 3
    """changed views of each state on every other axis"""
    trajectories: int = 40
    """trajectories asked whether they find themselves again on another background"""
    replicates: int = 500
    """bootstrap replicates behind each interval"""
    untrained: int = 2
    """untrained policies beside them, for each game"""
    seed: int = 0
    """of the states, the changes and the bootstrap"""
    root: Path = ZOO
    """where ids are looked up: the zoo, or a folder of runs"""
    output: Path = Path("results")
    """folder that receives robustness.csv"""
    overwrite: bool = False
    """replace a table that exists"""

    def check(self) -> None:
        """Raise ``UserError`` on a number that cannot be measured with."""
        for name, least in (("states", 2), ("backgrounds", 2), ("views", 1), ("trajectories", 2)):
            if getattr(self, name) < least:
                raise UserError(f"--{name}: expected at least {least}, got {getattr(self, name)}")


def row(
    label: dict[str, Any],
    bank: "Bank",
    decisions: Decisions | None,
    pairs: Pairs,
    pixels: np.ndarray,
    weights: np.ndarray,
) -> dict[str, Any]:
    """One row of the table, without cycles; ``decisions`` is None where there was one view."""
    empty = {f"{name}{end}": np.nan for name in CYCLES for end in ("", "_low", "_high")}
    empty |= {"chance_2": np.nan, "chance_3": np.nan, "trajectories": 0}
    found, verdict, changed = {}, "vacuous", np.nan
    if decisions is not None and len(pairs):
        found = robustness(decisions, bank.levels, pairs, weights)
        verdict = "undecided" if is_undecided(found["tv_between"].estimate) else "measured"
        changed = float(np.mean([pixels[pair] for pair in pairs]))
    for name in MEASURES:
        estimate, low, high = found.get(name, (np.nan,) * 3)
        empty |= {name: estimate, f"{name}_low": low, f"{name}_high": high}
    counts = {
        "states": len(bank),
        "levels": len(np.unique(bank.levels)),
        "views": len({view for pair in pairs for view in pair}),
    }
    return {**label, "verdict": verdict, **counts, "pixels_changed": changed, **empty}


def measure_game(subjects: "Sequence[Subject]", settings: Settings) -> Iterator[dict[str, Any]]:
    """All rows of one game: its policies on the same states, in the same views."""
    from analysis.scenes.common import common_bank
    from analysis.studies.robustness import views

    game, mode = subjects[0].id.game, subjects[0].mode
    trained = [subject.trained_backgrounds for subject in subjects]
    bank = common_bank(game, mode, settings.states, settings.seed)
    weights = cluster_weights(bank.levels, settings.replicates, settings.seed)
    chosen = cover(game, trained, settings.backgrounds)
    twins = views.on_backgrounds(bank, game, chosen, subjects)
    cycles = views.find_cycles(subjects, settings.trajectories, settings.replicates, settings.seed)
    for subject, group in product(subjects, GROUPS):
        pairs = pairs_of(chosen, subject.trained_backgrounds)[group]
        label = {**subject.columns, "axis": "background", "backgrounds": group}
        decisions = twins.decisions.get(subject.id)
        cells = cycles.get(subject.id, {}).get(group, {}) if pairs else {}
        yield row(label, bank, decisions, pairs, twins.pixels, weights) | cells
    for axis, seen in views.along_axes(bank, game, subjects, settings.views, settings.seed):
        own = [(0, view) for view in range(1, settings.views + 1)] if seen.decisions else []
        for subject in subjects:
            decisions = seen.decisions.get(subject.id)
            label = {**subject.columns, "axis": axis, "backgrounds": "own"}
            yield row(label, bank, decisions, own, seen.pixels, weights)


def show(rows: pd.DataFrame, game: str) -> None:
    """Print a line for each policy and group of backgrounds, then the ratio on each axis."""
    from rich.console import Console
    from rich.table import Column as Heading
    from rich.table import Table

    here = rows[rows["game"] == game]
    here = here.assign(name=here["id"].str.removeprefix(f"{game}/"))
    there = here[here["verdict"] != "vacuous"]
    title = f"{game}: decisions on twins, {here['states'].iloc[0]} states of unseen levels"
    heads = ("backgrounds", "TV", "worst", "TV between states", "ratio", "agreement", "entropy")
    policy = Heading("policy", no_wrap=True)
    twins = Table(policy, *heads, "JSD", "2-way (chance)", "3-way (chance)", title=title)
    for one in there[there["axis"] == "background"].itertuples():
        numbers = (f"{value:.3f}" for value in (one.tv, one.tv_worst, one.tv_between))
        rest = (f"{value:.2f}" for value in (one.agreement, one.entropy))
        cycles = (one.cycle_2, one.chance_2), (one.cycle_3, one.chance_3)
        shown = (f"{value:.2f} ({guess:.2f})" if value == value else "–" for value, guess in cycles)
        ends = one.ratio, one.ratio_low, one.ratio_high
        twins.add_row(
            one.name, one.backgrounds, *numbers, _cell(*ends), *rest, f"{one.jsd:.3f}", *shown
        )
    axes = list(dict.fromkeys(there["axis"]))
    title = f"{game}: ratio of TV between views to TV between states"
    others = Table("policy", *axes, title=title, caption=_vacuous(here))
    for name, group in there.groupby("name", sort=False):
        of_axis = group.drop_duplicates("axis").set_index("axis")["ratio"]
        others.add_row(name, *(_cell(of_axis.get(axis, np.nan)) for axis in axes))
    console = Console()
    console.width = max(console.width, 170)
    console.print(twins, others)


def _cell(value: float, *ends: float) -> str:
    shown = f"{value:.2f}" + (f" [{ends[0]:.2f}, {ends[1]:.2f}]" if ends else "")
    return shown if value == value else "undecided"


def _vacuous(here: pd.DataFrame) -> str:
    """Which comparisons there is nothing to make for."""
    empty = here[here["verdict"] == "vacuous"]
    names = dict.fromkeys(f"{one.axis} ({one.backgrounds})" for one in empty.itertuples())
    return f"Nothing to compare, for at least one policy: {', '.join(names)}" if names else ""


def main(settings: Settings) -> None:
    """Measure, print a table and write it."""
    settings.check()
    path = settings.output / "robustness.csv"
    check_output(path, overwrite=settings.overwrite)
    from analysis.policies.subjects import every_step, load_subjects

    names: Sequence[str] = settings.ids
    if settings.steps == "all":
        names = every_step(names, settings.root)
    rows: list[dict[str, Any]] = []
    games = load_subjects(names, settings.root, controls=settings.untrained)
    for game, subjects in games.items():
        rows += measure_game(subjects, settings)
        show(pd.DataFrame(rows), game)
    kept = ("states", "backgrounds", "views", "trajectories", "replicates", "seed")
    provenance: dict[str, Any] = {name: getattr(settings, name) for name in kept}
    provenance["policies"] = {str(s.id): s.code for g in games.values() for s in g}
    provenance["undecided_below"] = UNDECIDED
    frame = pd.DataFrame(rows)
    print(write_table(frame, SCHEMA, path, provenance=provenance, overwrite=settings.overwrite))


if __name__ == "__main__":
    run_command(main, Settings, name="python -m analysis.robustness")
