"""The finished runs of a declared sample: a row a run, at the step where it is compared."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.measures.robustness import UNDECIDED, Sums
from analysis.policies.subjects import Subject
from analysis.records.columns import GAME, interval
from analysis.records.logs import read_log
from analysis.records.tables import Column, Schema, read_provenance, read_table
from analysis.records.values import OK
from analysis.scenes.backgrounds import pairs_of
from analysis.scenes.bank import Bank
from analysis.scenes.common import common_bank
from analysis.scenes.episodes import Stage, blind, pool_of
from analysis.scenes.twin_sets import TwinSet, twin_set
from analysis.stats.clusters import Interval, cluster_interval
from analysis.studies.returns.swaps import earns_more
from checkpoints.console import UserError, say
from checkpoints.policy.ids import PolicyId
from checkpoints.policy.recipes import Recipe
from checkpoints.policy.store import list_policies, load_policy, policy_path
from checkpoints.runs.declaration import Declaration, check_run

RUNS = Schema(
    "looks_runs",
    (
        GAME,
        Column("run", "text", "of the declared sample"),
        Column("method", "text", "training recipe"),
        Column("seed", "int", "of its training", low=0),
        Column("step", "int", "environment steps of each policy, its last", "steps", low=1),
        Column("policies", "int", "peers times kept steps behind the value", low=1),
        Column("held_out", "int", "backgrounds that it was never trained on", low=2),
        Column("clipped", "float", "share of updates whose gradient was clipped", low=0, high=1),
        Column("value", "float", "logarithm of TV twins / TV states, held out, buttons merged"),
        Column("over_blind", "float", "return less that of its own actions, drawn blind", "reward"),
        *interval("over_blind_low", "over_blind_high", unit="reward"),
        Column("sees", "text", "yes: each peer earns so many errors more than blind; or no"),
        Column(
            "verdict",
            "text",
            "ok; undecided: decisions hardly differ between states; unmoved: never between twins",
        ),
    ),
    key=("run", "step"),
    command="analysis.looks",
)


@dataclass(frozen=True)
class Wanted:
    """One run at one step."""

    run: PolicyId
    steps: int

    @property
    def key(self) -> tuple[str, int]:
        """Of its row."""
        return str(self.run), self.steps

    def __str__(self) -> str:
        return f"{self.run} after {self.steps:,} steps"


def pair_of(declaration: Declaration, seed: int) -> list[Wanted]:
    """Treatment and control of a seed, where they are compared."""
    pair = declaration.pair.items()
    return [Wanted(PolicyId(declaration.game, method, seed), steps) for method, steps in pair]


def gate_of(declaration: Declaration) -> list[list[Wanted]]:
    """The positive controls, and the controls at equal steps that they are told from."""
    steps = declaration.positive_steps
    return [
        [Wanted(PolicyId(declaration.game, method, seed), steps) for seed in seeds]
        for method, seeds in declaration.gate.items()
    ]


def wanted_of(declaration: Declaration, pairs: int | None = None) -> list[Wanted]:
    """What decides a look at so many pairs, the last look unless given: pairs, then the gate."""
    found = [one for seed in declaration.seeds[:pairs] for one in pair_of(declaration, seed)]
    return list(dict.fromkeys([*found, *chain(*gate_of(declaration))]))


def shown_of(declaration: Declaration) -> list[Wanted]:
    """The second control, which is measured where it was trained and decides nothing."""
    runs = (PolicyId(declaration.game, declaration.second, seed) for seed in declaration.seeds)
    return [Wanted(run, declaration.control_steps) for run in runs]


def kept_policies(root: Path, wanted: Wanted, last: int) -> list[PolicyId]:
    """The last kept policies of a run up to a step, of each peer; none if it is not so far."""
    there = [one for one in list_policies(root) if one.run == wanted.run]
    up_to = [one for one in there if (one.step or 0) <= wanted.steps]
    if not any(one.step == wanted.steps for one in up_to):
        return []
    steps = sorted({one.step or 0 for one in up_to})[-last:]
    found = [one for one in up_to if one.step in steps]
    peers = {one.peer for one in found}
    if len(steps) < last or len(found) != len(peers) * last:
        raise UserError(
            f"{wanted.run}: expected {last} kept steps of every peer up to {wanted.steps:,}, found "
            f"{len(found)} policies at {len(steps)} steps; train it from the declaration"
        )
    return sorted(found)


class Scenes:
    """States of the declared game, their twins on a seed's held-out backgrounds, and episodes."""

    def __init__(self, game: str, mode: Any, *, states: int, episodes: int, seed: int) -> None:
        """Gather the states and the first states of episodes."""
        self.bank: Bank = common_bank(game, mode, states, seed)
        self.stage = Stage(game, mode, episodes, seed)
        self.game = game

    def twins(self, subject: Subject) -> TwinSet:
        """The states on all backgrounds that training never showed."""
        held_out = pool_of("unseen", self.game, subject.trained_backgrounds)
        return twin_set(self.game, self.bank, held_out)


def known_rows(folder: Path, noted: Mapping[str, Any], root: Path, *, anew: bool) -> pd.DataFrame:
    """What was measured before, with the same settings and declaration.

    Args:
        folder: of the table.
        noted: settings and declaration.
        root: folder of the runs.
        anew: rows of other settings may go, but for those of runs that are gone.

    Raises:
        UserError: the table is of other settings or of another declaration.
    """
    path = folder / f"{RUNS.name}.csv"
    nothing = pd.DataFrame(columns=list(RUNS.names))
    if not path.exists():
        return nothing
    found, rows = read_provenance(path), read_table(path, RUNS)
    other = [name for name, value in noted.items() if found.get(name) != value]
    if not other:
        return rows
    gone = [run for run in rows["run"] if not (root / run).is_dir()]
    if anew and not gone:
        return nothing
    way = f"{gone[0]} is not in {root} to measure anew" if gone else "or --overwrite all"
    raise UserError(
        f"{path}: expected {', '.join(f'{name} {noted[name]}' for name in other)}, got "
        f"{', '.join(str(found.get(name)) for name in other)}; ask with the same, give another "
        f"--output; {way}"
    )


def rows_of(
    root: Path,
    known: pd.DataFrame,
    declaration: Declaration,
    recipes: Mapping[PolicyId, Recipe],
    sizes: Mapping[str, int],
    *,
    anew: bool = False,
) -> pd.DataFrame:
    """Rows of all finished runs, see :func:`measured`; columns as of :data:`RUNS`.

    Raises:
        UserError: a run, measured before or not, that was begun under another declaration or with
            another recipe than that of ``recipes``.
    """
    wanted = [*wanted_of(declaration), *shown_of(declaration)]
    there = list_policies(root)
    for run in dict.fromkeys(one.run for one in wanted):
        policies = [one for one in there if one.run == run]
        if policies:
            check_run(declaration, recipes[run], root, policies)
    found = list(measured(root, wanted, known, declaration, anew=anew, **sizes))
    return pd.DataFrame(found, columns=list(RUNS.names))


def measured(
    root: Path,
    wanted: Sequence[Wanted],
    known: pd.DataFrame,
    declaration: Declaration,
    *,
    anew: bool = False,
    **sizes: int,
) -> Iterator[dict[str, Any]]:
    """Rows of finished runs, those known already as they stand; ``anew``, only of runs now gone.

    Raises:
        UserError: a run without its kept steps.
    """
    have = {(one["run"], one["step"]): one for one in known.to_dict("records")}
    scenes: Scenes | None = None
    for one in wanted:
        before = have.get(one.key)
        if before and not anew:
            yield before
            continue
        policies = kept_policies(root, one, declaration.last)
        if not policies:
            if before:
                say(f"{one.run}: not in {root}; what was measured of it stands")
                yield before
            continue
        subjects = [Subject.of(*load_policy(policy_path(root, policy))) for policy in policies]
        if scenes is None:
            scenes = Scenes(declaration.game, subjects[0].mode, **sizes)
        say(f"{one.run}: measuring {len(subjects)} policies up to step {one.steps:,}")
        yield {
            **run_row(one, subjects, scenes, declaration.sees),
            "clipped": clipped(root / str(one.run) / "progress.csv", one.steps),
        }


def run_row(
    wanted: Wanted, subjects: Sequence[Subject], scenes: Scenes, errors: float
) -> dict[str, Any]:
    """One row: means over peers and kept steps of logarithms; returns at the last step."""
    twins = scenes.twins(subjects[0])
    ratios = np.array([ratio(one, twins) for one in subjects])
    with np.errstate(divide="ignore"):
        value = float(np.log(ratios).mean())
    ends = [one for one in subjects if one.id.step == wanted.steps]
    played = [over_blind(one, scenes) for one in ends]
    return {
        **{"game": wanted.run.game, "run": str(wanted.run), "method": wanted.run.method},
        **{"seed": wanted.run.seed, "step": wanted.steps, "policies": len(subjects)},
        "held_out": len(twins.backgrounds),
        "value": value if np.isfinite(value) else np.nan,
        **dict(
            zip(
                ("over_blind", "over_blind_low", "over_blind_high"),
                np.mean(played, axis=0).tolist(),
                strict=True,
            )
        ),
        "sees": "yes" if all(earns_more(one, errors) for one in played) else "no",
        "verdict": "undecided" if np.isnan(value) else "unmoved" if np.isinf(value) else OK,
    }


def clipped(log: Path, steps: int) -> float:
    """Share of a run's updates up to a step whose gradient was clipped; NaN without a log of it."""
    if not log.exists():
        return np.nan
    rows = read_log(log)
    return float(rows.loc[rows["step"] <= steps, "clipped"].mean())


def ratio(subject: Subject, twins: TwinSet) -> float:
    """TV between twins ÷ TV between states on held-out backgrounds; NaN where undecided."""
    pairs = pairs_of(twins.backgrounds, ())["all"]
    merged = twins.read(subject.policy, []).decisions.of_buttons(twins.game)
    sums = Sums.of(merged, twins.bank.levels, pairs)
    once = np.ones((1, len(sums.sizes))), np.ones((1, len(sums.views)))
    found = sums.draws(*once)
    return float(found["ratio"][0]) if found["tv_between"][0] >= UNDECIDED else float("nan")


def over_blind(subject: Subject, scenes: Scenes) -> Interval:
    """Return less that of its own mix of actions, drawn without looking, with its interval."""
    narrowed = subject.training.backgrounds
    own = scenes.stage.play(subject.policy, "none", (), narrowed)
    floor = scenes.stage.play(blind(own.actions), "none", (), narrowed)
    return cluster_interval(own.returns - floor.returns, scenes.stage.levels)
