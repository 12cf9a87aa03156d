"""Rows of robustness: how far decisions move between views, beside how far between states."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.measures.decisions import Decisions, ViewPairs, views_of
from analysis.measures.robustness import (
    MEASURES,
    UNDECIDED,
    Sums,
    is_undecided,
    resampled,
    without_each_view,
)
from analysis.policies.subjects import Subject
from analysis.records.columns import OVER_LEVELS, POLICY, SIZE, estimate, filled
from analysis.records.command import Frames
from analysis.records.tables import Column, Schema
from analysis.scenes.backgrounds import cover, pairs_of
from analysis.scenes.bank import Bank
from analysis.scenes.common import common_bank
from analysis.stats.clusters import cluster_weights
from analysis.studies.examination import Found
from analysis.studies.robustness.views import (
    CYCLE_BACKGROUNDS,
    LEAST,
    along_axes,
    find_cycles,
    on_backgrounds,
)
from checkpoints.console import show_tables

BOTH = f"{OVER_LEVELS}, of other backgrounds over these too"
SHARE: dict[str, Any] = {"over": BOTH, "low": 0, "high": 1}
CYCLES: dict[str, Any] = {"over": "the bootstrap over trajectories", "low": 0, "high": 1}
SCHEMA = Schema(
    "robustness",
    (
        *POLICY,
        Column("axis", "text", "what differs between the views of a state"),
        Column("backgrounds", "text", "pairs of backgrounds compared; own where none is swapped"),
        Column("verdict", "text", "measured; undecided: no ratio; vacuous: nothing to compare"),
        *SIZE,
        Column("views", "int", "views of each state", low=0),
        Column("pixels_changed", "float", "share of pixels in which two views differ", low=0),
        *estimate("tv", "total variation between views, of buttons", **SHARE),
        *estimate("tv_worst", "the same, worst pair of each state", low=0, high=1),
        *estimate("tv_between", "total variation between states of two levels", **SHARE),
        *estimate("ratio", "tv / tv_between, of one resample", over=BOTH, low=0),
        Column("without_low", "float", "ratio, one background left out: the lowest", low=0),
        Column("without_high", "float", "ratio, one background left out: the highest", low=0),
        *estimate("agreement", "pairs of views whose likeliest buttons agree", **SHARE),
        *estimate("entropy", "of the decisions", unit="nats", over=BOTH, low=0),
        *estimate(
            "jsd", "Jensen–Shannon divergence of views", unit="nats", over=BOTH, low=0, high=0.6932
        ),
        *estimate("value_shift", "|ΔV| between views", unit="scaled reward", over=BOTH, low=0),
        *estimate(
            "value_between", "|ΔV| of states of two levels", unit="scaled reward", over=BOTH, low=0
        ),
        Column("tv_actions", "float", "tv, buttons that do the same kept apart", low=0, high=1),
        Column("ratio_actions", "float", "ratio, likewise", low=0),
        Column("entropy_actions", "float", "entropy, likewise", "nats", 0),
        *estimate("cycle_2", "two-way cycle consistency of the last layer", **CYCLES),
        *estimate("cycle_3", "three-way cycle consistency", **CYCLES),
        Column("chance_2", "float", "two-way score of a random guess", low=0, high=1),
        Column("chance_3", "float", "three-way score of a random guess", low=0, high=1),
        Column("trajectories", "int", "trajectories asked for cycles", low=0),
    ),
    key=("game", "id", "axis", "backgrounds"),
    command="analysis.robustness",
)
EXTRA = ("tv_actions", "ratio_actions", "entropy_actions", "without_low", "without_high")
NO_CYCLES = {name: np.nan for name in SCHEMA.names if name.startswith(("cycle", "chance"))} | {
    "trajectories": 0
}


def constants() -> dict[str, Any]:
    """What decides the numbers and is no setting."""
    return {
        "undecided_below": UNDECIDED,
        "cycle_backgrounds": CYCLE_BACKGROUNDS,
        "cycle_states": LEAST,
    }


def row(
    label: dict[str, Any],
    bank: Bank,
    decisions: Decisions | None,
    pairs: ViewPairs,
    pixels: np.ndarray,
    weights: np.ndarray,
    seed: int | None = None,
) -> dict[str, Any]:
    """One row of the table, without cycles.

    Args:
        label: ``Subject.columns``, the axis and the backgrounds.
        bank: the states.
        decisions: on them; None where there was one view.
        pairs: views compared; none where there is nothing to compare.
        pixels: (view, view) share of pixels that differ, in [0, 1].
        weights: (R, G) from :func:`analysis.stats.clusters.cluster_weights` on the bank's levels.
        seed: draws views anew in replicates, as backgrounds are; None keeps them as they are.
    """
    draws, verdict, changed = {}, "vacuous", np.nan
    cells: dict[str, Any] = dict.fromkeys(EXTRA, np.nan)
    if decisions is not None and len(pairs):
        sums = Sums.of(decisions.of_buttons(label["game"]), bank.levels, pairs)
        draws = resampled(sums, weights, views_seed=seed)
        raw = resampled(Sums.of(decisions, bank.levels, pairs), weights[:1])
        cells |= {f"{name}_actions": float(raw[name][0]) for name in ("tv", "ratio", "entropy")}
        if seed is not None:
            without = without_each_view(sums).values()
            cells |= {"without_low": min(without), "without_high": max(without)}
        verdict = "undecided" if is_undecided(draws["tv_between"][0]) else "measured"
        changed = float(np.mean([pixels[pair] for pair in pairs]))
    for name in MEASURES:
        cells |= filled(name, draws.get(name, np.full(2, np.nan)))
    return {
        **label,
        "verdict": verdict,
        "states": len(bank),
        "levels": len(np.unique(bank.levels)),
        "views": len(views_of(pairs)),
        "pixels_changed": changed,
        **cells,
        **NO_CYCLES,
    }


def measure_game(
    subjects: Sequence[Subject],
    *,
    states: int,
    backgrounds: int,
    views: int,
    trajectories: int,
    replicates: int,
    seed: int,
) -> Found:
    """All rows of one game: its policies on the same states, in the same views."""
    game = subjects[0].id.game
    bank = common_bank(game, subjects[0].mode, states, seed)
    weights = cluster_weights(bank.levels, replicates, seed)
    chosen = cover(game, [one.trained_backgrounds for one in subjects], backgrounds)
    twins = on_backgrounds(bank, game, chosen, subjects)
    cycles = find_cycles(subjects, trajectories, replicates, seed)
    rows = []
    for subject in subjects:
        decisions = twins.decisions.get(subject.id)
        measured: dict[tuple[tuple[int, int], ...], dict[str, Any]] = {}
        for group, pairs in pairs_of(chosen, subject.trained_backgrounds).items():
            label = {**subject.columns, "axis": "background", "backgrounds": group}
            key = tuple(pairs)
            # Often all were seen in training: one set of pairs under two names.
            if key not in measured:
                measured[key] = row(label, bank, decisions, pairs, twins.pixels, weights, seed)
            cells = cycles.get(subject.id, {}).get(group, {}) if pairs else {}
            rows.append(measured[key] | label | cells)
    for axis, answers in along_axes(bank, game, subjects, views, seed):
        own = [(0, view) for view in range(1, views + 1)] if answers.decisions else []
        for subject in subjects:
            label = {**subject.columns, "axis": axis, "backgrounds": "own"}
            decisions = answers.decisions.get(subject.id)
            rows.append(row(label, bank, decisions, own, answers.pixels, weights))
    return Found([rows], {"backgrounds": list(chosen)})


def show(frames: Frames, game: str) -> None:
    """Print a line for each policy and group of backgrounds, then the ratio on each axis."""
    from rich.table import Column as Heading
    from rich.table import Table

    (rows,) = frames
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
    show_tables(twins, keys=2)
    show_tables(others)


def _cell(value: float, *ends: float) -> str:
    known = ends and not np.isnan(ends[0])
    shown = f"{value:.2f}" + (f" [{ends[0]:.2f}, {ends[1]:.2f}]" if known else "")
    return shown if value == value else "undecided"


def _vacuous(here: pd.DataFrame) -> str:
    """Which comparisons there is nothing to make for."""
    empty = here[here["verdict"] == "vacuous"]
    names = dict.fromkeys(f"{one.axis} ({one.backgrounds})" for one in empty.itertuples())
    return f"Nothing to compare, for at least one policy: {', '.join(names)}" if names else ""
