"""Rows of contrasts: one method's runs versus another's, with something held equal."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analysis.records.columns import GAME, interval
from analysis.records.runs import BEGUN, RETURNS, Measure, MeasuredRun, runs_of
from analysis.records.tables import Column, Schema, read_table
from analysis.records.values import ONE_LEFT_OUT, OVER_BLIND, SAMPLES_PEERS, read_values
from analysis.studies.contrasts.family import false_discovery_rates, peers_row
from analysis.studies.contrasts.sides import Beside, at_marker, at_step, common_level, compare
from analysis.studies.contrasts.sources import beside_of, peers_table
from checkpoints.console import UserError, one_of, watch
from checkpoints.policy.recipes import base_method
from checkpoints.runs.study import Planned, read_study

CONTROL = "ppo"
MATCHES = ("steps", "frames", "return", "entropy")
"""At what both sides are held equal: environment steps of a policy, of all policies of the run
together, the return on unseen levels, or the entropy of decisions."""
WITHOUT = {"mutual": "mutual-alpha0"}
"""Method -> the same without what makes it one: two peers that never hear of each other."""
ENTROPY = ("entropy", "buttons")
UNSEEN, ALL = ("ratio_unseen", "decisions"), ("ratio", "decisions")
NOT_COMPARED = ("cka_final", "cka_peer", "gap", "horizon", OVER_BLIND)
"""What a policy resembles, what stands beside a value, and what older tables hold: an offset, and
1 ÷ ``tv``."""


class Primary(NamedTuple):
    """What was declared."""

    game: str = "starpilot"
    treatment: str = "mutual-bg9"
    control: str = "ppo-bg9"
    match: str = "frames"
    measure: Measure = UNSEEN
    steps: int = 2_097_152
    """of each mutual peer; PPO has twice as many"""
    seeds: int = 3


PRIMARY = Primary()
NAN = float("nan")

SCHEMA = Schema(
    "contrasts",
    (
        GAME,
        Column("treatment", "text", "method compared"),
        Column("control", "text", "with which, on the same training backgrounds"),
        Column(
            "match", "text", "equal steps, frames, return or entropy; apart: peers, less runs apart"
        ),
        Column("measure", "text", "see python -m analysis.emergence --help, and probes.steps"),
        Column("layer", "text", "of the encoder, or what else the measure is about"),
        Column("primary", "bool", "the declared contrast"),
        Column("scale", "text", "factor: treatment / control; difference: treatment - control"),
        Column("steps_treatment", "int", "of each policy; 0 where a level is equal", "steps", 0),
        Column("steps_control", "int", "of each policy; 0 where a level is equal", "steps", 0),
        Column("matched_at", "float", "return or entropy at which both are compared"),
        Column("value_treatment", "float", "mean over runs, of factors geometric"),
        Column("value_control", "float", "mean over runs, of factors geometric"),
        Column("effect", "float", "on the scale named"),
        *interval(over="Welch's interval over runs"),
        Column("p", "float", "two-sided", low=0, high=1),
        Column("p_equivalence", "float", "of a factor beyond 1.25, up or down", low=0, high=1),
        Column("q", "float", "false-discovery rate within the ledger's family", low=0, high=1),
        Column("detectable", "float", "effect, up or down, found with probability .8"),
        *interval("detectable_low", "detectable_high", over="the same, runs' spread uncertain"),
        Column("without_low", "float", "effect, one background left out: the lowest"),
        Column("without_high", "float", "effect, one background left out: the highest"),
        Column("hangs_on", "text", "backgrounds without which it moves by more than its error"),
        Column("runs_treatment", "int", "behind the effect", low=0),
        Column("runs_control", "int", "behind the effect", low=0),
        Column("sees_treatment", "float", "of them, runs that earn more than played blind", low=0),
        Column("sees_control", "float", "of them, runs that earn more than played blind", low=0),
        Column("missing", "text", "runs of the study that are not there, or not so far"),
        Column("verdict", "text", "ok, or why there is no interval, or nothing"),
    ),
    key=("game", "treatment", "control", "match", "measure", "layer"),
    command="analysis.contrasts",
)


def family(runs: Sequence[MeasuredRun]) -> Iterator[tuple["Pair", Measure]]:
    """What is compared within one game and one set of training backgrounds: all against PPO.

    Those of :data:`WITHOUT` are at equal steps held against their own control, too.
    """
    methods = {
        method: [run for run in runs if run.method == method]
        for method in dict.fromkeys(run.method for run in runs)
    }
    control = next((name for name in methods if base_method(name) == CONTROL), None)
    if control is None:
        return
    measures = sorted(
        {
            (str(m), str(layer))
            for run in runs
            if base_method(run.method) == CONTROL
            for m, layer in run.rows[["measure", "layer"]].to_numpy()
            if m not in NOT_COMPARED and not m.endswith(ONE_LEFT_OUT)
        }
    )
    longest = {name: max(run.steps[-1] for run in some) for name, some in methods.items()}
    by_base = {base_method(name): name for name in methods}
    for name in methods:
        # What has only begun says nothing yet, and would be compared where nobody decides.
        if name == control or longest[name] < BEGUN * longest[control]:
            continue
        asked = [(control, match) for match in MATCHES]
        without = by_base.get(WITHOUT.get(base_method(name), ""))
        if without and longest[without] >= BEGUN * longest[control]:
            asked.append((without, "steps"))
        for other, match in asked:
            pair = Pair(name, other, methods[name], methods[other], match)
            yield from ((pair, measure) for measure in measures)


class Pair(NamedTuple):
    """A method, what it is compared with, and what is held equal."""

    treatment: str
    control: str
    treated: list[MeasuredRun]
    controls: list[MeasuredRun]
    match: str

    def steps(self) -> tuple[int, int] | None:
        """The last steps at which frames, or else steps, are equal; None where there are none."""
        times = self.treated[0].peers if self.match == "frames" else 1
        if self.match == "frames" and times == 1:
            return None
        ours = {step for run in self.treated for step in run.steps}
        theirs = {step for run in self.controls for step in run.steps}
        both = [step for step in ours if step * times in theirs]
        return (max(both), max(both) * times) if both else None

    def whole(self) -> tuple[list[MeasuredRun], list[MeasuredRun]]:
        """The runs of both sides that reached the last step at which steps are equal."""
        last = self.steps()
        if last is None:
            return [], []
        ours, theirs = (
            [run for run in side if last[0] in run.steps] for side in (self.treated, self.controls)
        )
        return ours, theirs

    def row(
        self, measure: Measure, planned: Sequence[Planned], beside: Beside
    ) -> dict[str, Any] | None:
        """One row of the table without its q; None where there is nothing to hold equal."""
        game, declared = self.treated[0].game, False
        place: dict[str, Any] = {"steps_treatment": 0, "steps_control": 0, "matched_at": NAN}
        if self.match in ("steps", "frames"):
            steps = self.steps()
            if steps is None:
                return None
            place |= {"steps_treatment": steps[0], "steps_control": steps[1]}
            wanted = [
                wanted_ids(planned, game, method, step)
                for method, step in zip((self.treatment, self.control), steps, strict=True)
            ]
            treatment = at_step(self.treated, measure, steps[0], wanted[0], beside)
            control = at_step(self.controls, measure, steps[1], wanted[1], beside)
            asked = Primary(game, self.treatment, self.control, self.match, measure, steps[0])
            declared = asked == PRIMARY
        else:
            marker = RETURNS if self.match == "return" else ENTROPY
            treated, controls = self.whole()
            level = common_level(treated + controls, marker)
            if measure == marker or np.isnan(level):
                return None
            place |= {"matched_at": level}
            treatment = at_marker(treated, measure, marker, level)
            control = at_marker(controls, measure, marker, level)
        label = {"game": game, "treatment": self.treatment, "control": self.control}
        label |= {"match": self.match, "measure": measure[0], "layer": measure[1]}
        return {**label, "primary": declared, **place, **compare(treatment, control, measure)}


def wanted_ids(planned: Sequence[Planned], game: str, method: str, step: int) -> list[str]:
    """Ids of the study's runs of a method that should reach a step."""
    return [
        str(one.id)
        for one in planned
        if (one.id.game, one.id.method) == (game, method) and one.steps >= step
    ]


def contrast_rows(
    rows: pd.DataFrame,
    planned: Sequence[Planned],
    beside: Beside | None = None,
    peers: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Every contrast that the values allow, q values included; columns as in :data:`SCHEMA`."""
    beside = beside or Beside()
    runs = list(runs_of(rows))
    keys = dict.fromkeys((run.game, run.backgrounds) for run in runs)
    work = [
        one
        for key in keys
        for one in family([run for run in runs if (run.game, run.backgrounds) == key])
    ]
    bar = watch(work, "comparing methods")
    compared = [pair.row(measure, planned, beside) for pair, measure in bar]
    found = [row for row in compared if row is not None]
    if not found:
        raise UserError(
            f"expected runs of {CONTROL} and of another method on the same backgrounds, got "
            f"{', '.join(run.name for run in runs) or 'none'}; measure them with: "
            "python -m analysis.emergence"
        )
    table = pd.DataFrame(found)
    if peers is not None:
        asked = set(table["treatment"])
        more = [peers_row(one) for one in peers.itertuples() if one.measure == "cka"]
        more = [row for row in more if row["treatment"] in asked]
        table = pd.concat([table, pd.DataFrame(more)], ignore_index=True) if more else table
    return table.assign(q=false_discovery_rates(table))[list(SCHEMA.names)]


def contrasts(
    *, games: Sequence[str], tables: Path, study: Path
) -> tuple[tuple[str, ...], pd.DataFrame]:
    """The games that are answered for, and their contrasts.

    Args:
        games: names; none takes all in the tables.
        tables: folder with emergence.csv, and where they are there probes_steps.csv,
            samples.csv and samples_peers.csv.
        study: file that says which runs there should be.

    Raises:
        UserError: a table or the study is missing or broken, or a game was not measured.
    """
    values = read_values(tables)
    measured = sorted(set(values["game"]))
    for game in games:
        one_of("game", game, measured)
    chosen = tuple(games or measured)
    planned = read_study(study)
    here = values[values["game"].isin(chosen)]
    path = peers_table(tables)
    peers = read_table(path, SAMPLES_PEERS) if path else None
    return chosen, contrast_rows(here, planned, beside_of(here), peers)
