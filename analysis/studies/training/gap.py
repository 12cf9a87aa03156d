"""Does a policy whose decisions follow the background generalise worse? Ranks, clustered by run.

The theorem of arXiv 2501.02481 bounds what is lost on unseen renderings by R-robustness, that is
by the total variation of decisions between renderings of a state. Beside the measured gap stands
what a bound of this kind says, :func:`allowed_share`: at the total variation of any trained policy
it allows nearly all to be lost, so no scatter of points contradicts it. What data can speak of is
the sign that the paper reads from it: less total variation, smaller gap.

Unseen levels show all backgrounds of their game: of a policy trained on some of them, the gap holds
unseen wallpaper beside unseen levels.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from analysis.measures.mask_scores import spearman_interval
from analysis.records.columns import interval
from analysis.records.tables import Column, Schema
from analysis.records.values import OK
from analysis.stats.clusters import Interval
from analysis.studies.training.logged_returns import GAP
from checkpoints.console import watch
from checkpoints.policy.ids import UNTRAINED
from checkpoints.policy.recipes import Recipe

LEAST_RUNS = 8
"""With fewer, resampling runs says nothing of other runs."""
BETWEEN = ("last", "same step")
"""Of which policies: the last of each run, or all; ranked among those trained for as long."""
IMPLIED = {"tv": 1, "tv_unseen": 1, "ratio": 1, "ratio_unseen": 1, "icc": -1}
"""Sign that the theorem is read to imply; of ratios and ICC by way of the total variation."""
VARIATIONS = ("tv", "tv_unseen")
"""Measures that the theorem speaks of."""

SCHEMA = Schema(
    "emergence_gap",
    (
        Column("game", "text", "one of the 16, or all: ranked within each"),
        Column("measure", "text", "what the gap is held against"),
        Column("layer", "text", "of the encoder, or what else the measure is about"),
        Column("between", "text", "last: of each run; same step: all; ranked within each step"),
        Column("implied", "int", "sign of rho that the theorem is read to imply", low=-1, high=1),
        Column("rho", "float", "rank correlation with train - unseen return", low=-1, high=1),
        *interval("low", "high", over="the bootstrap over runs", low=-1, high=1),
        Column(
            "allowed",
            "float",
            "of all that can be lost, what allowed_share leaves open at "
            "the least TV behind rho; NaN for other measures",
            low=0,
            high=1,
        ),
        Column("policies", "int", "behind it", low=0),
        Column("runs", "int", "they come from", low=0),
        Column("verdict", "text", "ok, or why there is no interval, or nothing"),
    ),
    key=("game", "measure", "layer", "between"),
    command="analysis.emergence",
)


def rank_within(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Mid-ranks within each group, 0 to 1 exclusive; NaN in a group of one."""
    found = np.full(len(values), np.nan)
    for group in np.unique(groups):
        here = groups == group
        if here.sum() > 1:
            found[here] = (rankdata(values[here]) - 0.5) / here.sum()
    return found


def against_gap(
    x: np.ndarray, gap: np.ndarray, groups: np.ndarray, runs: np.ndarray, seed: int = 0
) -> tuple[Interval, int, int]:
    """Rank correlation within groups, its interval from resampling runs, policies and runs.

    The interval is NaN with fewer than :data:`LEAST_RUNS` runs.
    """
    a, b = rank_within(x, groups), rank_within(gap, groups)
    kept = np.isfinite(a)
    count, names = int(kept.sum()), np.unique(runs[kept])
    if count < 3 or len(names) < 2:
        return Interval(np.nan, np.nan, np.nan), count, len(names)
    place = np.searchsorted(names, runs[kept])
    found = spearman_interval(a[kept], b[kept], place, replicates=1000, seed=seed)
    if len(names) < LEAST_RUNS:
        found = Interval(found.estimate, np.nan, np.nan)
    return found, count, len(names)


def allowed_share(variation: float, discount: float = Recipe().discount) -> float:
    """What may be lost on other renderings, as a share of the range of discounted returns.

    Two copies of a policy, one for each rendering, can be coupled so that at every step in a shared
    state they act alike with probability 1 - TV. After t + 1 steps they have parted with
    probability at most 1 - (1 - TV)^(t + 1), and only then may rewards differ:
    (1 - γ) Σ_t γ^t (1 - (1 - TV)^(t + 1)) = TV / (1 - γ + γ TV). Kakade and Langford 2002 argue so.

    Args:
        variation: TV between the renderings, [0, 1]. The bound asks for the largest over all
            states; the mean over some, given here, makes it look stronger than it is.
        discount: γ, [0, 1).

    Returns:
        Share in [0, 1]; 1: everything may be lost.
    """
    return variation / (1 - discount + discount * variation)


def gap_rows(values: pd.DataFrame, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Rows of :data:`SCHEMA` from rows of :data:`analysis.records.values.VALUES`.

    Policies without the measure or the gap are left out of a correlation, and counted by their
    absence.
    """
    trained = values[values["method"] != UNTRAINED].copy()
    trained["run"] = trained["game"] + "/" + trained["method"] + "/" + trained["seed"].astype(str)
    gaps = trained[trained["measure"] == GAP].set_index("id")["value"]
    joined = trained[trained["measure"].isin(IMPLIED)].assign(gap=lambda d: d["id"].map(gaps))
    joined = joined.dropna(subset=["value", "gap"])
    ends = trained.groupby(["run", "peer"])["step"].transform("max")
    last = set(trained.loc[trained["step"] == ends, "id"])
    games = sorted(set(trained["game"]))
    names = trained.loc[trained["measure"].isin(IMPLIED), ["measure", "layer"]].drop_duplicates()
    for measure, layer in watch(list(names.itertuples(index=False)), "ranking against the gap"):
        one = joined[(joined["measure"] == measure) & (joined["layer"] == layer)]
        for game in [*games, *(["all"] if len(games) > 1 else [])]:
            here = one if game == "all" else one[one["game"] == game]
            for between in BETWEEN:
                some = here[here["id"].isin(last)] if between == "last" else here
                label = {"game": game, "measure": measure, "layer": layer, "between": between}
                cells = _cells(some, seed) | {"allowed": np.nan, "implied": IMPLIED[measure]}
                if measure in VARIATIONS and len(some):
                    cells["allowed"] = allowed_share(float(some["value"].min()))
                yield {**label, **cells}


def _cells(some: pd.DataFrame, seed: int) -> dict[str, Any]:
    groups = some[["game", "step"]].astype(str).agg("/".join, axis=1) if len(some) else some["game"]
    x, gap, group, run = (
        column.to_numpy() for column in (some["value"], some["gap"], groups, some["run"])
    )
    found, policies, runs = against_gap(x, gap, group, run, seed)
    verdict = OK
    if np.isnan(found.estimate):
        verdict = "too few policies"
    elif np.isnan(found.low):
        few = runs < LEAST_RUNS
        verdict = f"fewer than {LEAST_RUNS} runs: no interval" if few else "a resample is constant"
    cells = {"rho": found.estimate, "low": found.low, "high": found.high}
    return {**cells, "policies": policies, "runs": runs, "verdict": verdict}
