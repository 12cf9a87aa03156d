"""From the returns of episodes to the scores of runs, and from those to rows about methods.

A run is what one seed trained: peers of a group learn from each other and are no two runs, so the
score of a run is the mean over its peers. Two kinds of interval answer two questions: *over runs*,
what other seeds would give (Agarwal et al. 2021); *over levels*, what other levels would give to
these very policies, which is all that can be said of a single run.

Note:
    Two runs of a game have three resamples, and their interval ends at the two scores: it can
    be far too short. Report it, and train more seeds.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from analysis.records.columns import OVER_LEVELS, interval
from analysis.records.tables import Column, Schema
from analysis.stats.clusters import cluster_weights
from analysis.stats.few_runs import (
    Statistic,
    ends,
    improvement,
    interquartile_mean,
    mean,
    profile,
    run_interval,
)
from checkpoints.policy.ids import UNTRAINED

THRESHOLDS = 51
_SHARED = (
    Column("game", "text", "one of the 16, or all of them together"),
    Column("split", "text", "as in the table returns"),
)
_RUNS = Column("runs", "int", "seeds; peers of one group are one run", low=1)
_OVER_RUNS = interval(over="the stratified bootstrap over runs; NaN for one run")
_OVER_LEVELS = interval("level_low", "level_high", over=f"{OVER_LEVELS}, runs as they are")
SCORES = Schema(
    "returns_scores",
    (
        *_SHARED,
        Column("measure", "text", "return (reward); mean, iqm (normalised); improvement"),
        Column("method", "text", "training recipe"),
        Column("other", "text", "improvement: the method that it may improve on; else empty"),
        Column("value", "float", "estimate; improvement: a probability"),
        *_OVER_RUNS,
        *_OVER_LEVELS,
        _RUNS,
        Column("runs_other", "int", "improvement: of the other method; else 0", low=0),
        Column("games", "int", "taken together", low=1),
        Column("episodes", "int", "behind the estimate", low=1),
    ),
    key=("game", "split", "measure", "method", "other"),
    command="analysis.returns",
)
PROFILES = Schema(
    "returns_profiles",
    (
        *_SHARED,
        Column("method", "text", "training recipe"),
        Column("threshold", "float", "τ, a normalised score"),
        Column("share", "float", "of runs that score more than τ", low=0, high=1),
        *_OVER_RUNS,
        *_OVER_LEVELS,
        _RUNS,
    ),
    key=("game", "split", "method", "threshold"),
    command="analysis.returns",
)


class Runs(NamedTuple):
    """The normalised scores of one method's runs, on one game or on several."""

    scores: Float[np.ndarray, "r run game"]
    """first the estimate, then one value a replicate over levels"""
    seeds: tuple[int, ...]
    """of the runs, in their order"""
    episodes: int
    """behind the estimate, of all runs, peers and games"""


class Resampling(NamedTuple):
    """How intervals are drawn."""

    replicates: int = 2000
    seed: int = 0


def runs_of(
    rows: pd.DataFrame, bounds: tuple[float, float], resampling: Resampling, stream: int = 0
) -> dict[str, Runs]:
    """Method -> its runs, on one game and one split.

    Args:
        rows: columns ``id, method, seed, peer, episode, level, episode_return``; every policy has
            played the same levels.
        bounds: returns that become 0 and 1.
        resampling: replicates over levels, the same levels for all policies.
        stream: another one for another game, whose levels are others.
    """
    lowest, highest = bounds
    policies = {name: one.sort_values("episode") for name, one in rows.groupby("id", sort=True)}
    levels = next(iter(policies.values()))["level"].to_numpy()
    place = np.unique(levels, return_inverse=True)[1]
    weights = _weights(levels, resampling, stream)
    counts = weights @ np.bincount(place)
    scores: dict[str, dict[int, list[np.ndarray]]] = {}
    for one in policies.values():
        who = one.iloc[0]
        means = weights @ np.bincount(place, one["episode_return"]) / counts
        seeds = scores.setdefault(str(who["method"]), {})
        seeds.setdefault(int(who["seed"]), []).append((means - lowest) / (highest - lowest))
    found = {}
    for method, seeds in scores.items():
        by_run = [np.mean(seeds[seed], axis=0) for seed in sorted(seeds)]
        episodes = int((rows["method"] == method).sum())
        found[method] = Runs(np.stack(by_run, axis=1)[:, :, None], tuple(sorted(seeds)), episodes)
    return found


def _weights(levels: np.ndarray, resampling: Resampling, stream: int) -> Int[np.ndarray, "r level"]:
    """How often each level counts: once, then as drawn; not drawn where there is one level."""
    once = np.ones((1, len(np.unique(levels))), dtype=np.int64)
    if once.shape[1] < 2:
        return once
    seed = int(np.random.SeedSequence([resampling.seed, stream]).generate_state(1)[0])
    return np.concatenate([once, cluster_weights(levels, resampling.replicates, seed)])


def over_games(games: Sequence[Mapping[str, Runs]]) -> dict[str, Runs]:
    """All games together: methods that played every one of them, by the seeds common to all."""
    found = {}
    for method in set.intersection(*(set(one) for one in games)):
        here = [one[method] for one in games]
        common = sorted(set.intersection(*(set(runs.seeds) for runs in here)))
        replicates = min(len(runs.scores) for runs in here)
        if common:
            parts = [
                runs.scores[:replicates, [runs.seeds.index(seed) for seed in common]]
                for runs in here
            ]
            share = [len(common) / len(runs.seeds) * runs.episodes for runs in here]
            found[method] = Runs(np.concatenate(parts, axis=2), tuple(common), round(sum(share)))
    return found


def in_order(methods: Mapping[str, Runs]) -> list[str]:
    """By name, untrained ones last."""
    return sorted(methods, key=lambda name: (name == UNTRAINED, name))


def score_rows(
    found: Mapping[str, Runs], resampling: Resampling, bounds: tuple[float, float] | None
) -> Iterator[dict[str, Any]]:
    """Rows of ``returns_scores`` without game and split.

    Args:
        found: method -> runs.
        resampling: replicates over runs.
        bounds: to give the mean in units of reward too; None where games are pooled.
    """
    for method in in_order(found):
        runs = found[method]
        one = {"method": method, "other": "", "runs": len(runs.seeds), "runs_other": 0}
        one |= {"games": runs.scores.shape[2], "episodes": runs.episodes}
        average = _estimate(mean, resampling, runs)
        yield {"measure": "mean", **one, **average}
        yield {"measure": "iqm", **one, **_estimate(interquartile_mean, resampling, runs)}
        if bounds is not None:
            reward = {key: bounds[0] + x * (bounds[1] - bounds[0]) for key, x in average.items()}
            yield {"measure": "return", **one, **reward}
    for method, other in combinations(in_order(found), 2):
        x, y = found[method], found[other]
        yield {
            "measure": "improvement",
            **{"method": method, "other": other},
            **{"runs": len(x.seeds), "runs_other": len(y.seeds)},
            **{"games": x.scores.shape[2], "episodes": x.episodes + y.episodes},
            **_estimate(improvement, resampling, x, y),
        }


def profile_rows(
    found: Mapping[str, Runs], thresholds: Float[np.ndarray, " threshold"], resampling: Resampling
) -> Iterator[dict[str, Any]]:
    """Rows of ``returns_profiles`` without game and split; arguments as of :func:`score_rows`."""
    for method in in_order(found):
        runs = found[method]
        curves = _estimate(lambda scores: profile(scores, thresholds), resampling, runs)
        curves["share"] = curves.pop("value")
        for k, threshold in enumerate(thresholds.tolist()):
            at = {key: curve[k] for key, curve in curves.items()}
            yield {"method": method, "threshold": threshold, **at, "runs": len(runs.seeds)}


def thresholds_of(found: Sequence[Runs]) -> Float[np.ndarray, " threshold"]:
    """Evenly spaced, from just below the lowest score of a run, or 0, to just above the highest."""
    pooled = np.concatenate([[0.0], *(runs.scores[0].ravel() for runs in found)])
    low, high = pooled.min(), pooled.max()
    margin = max((high - low) / 20, 0.01)
    return np.linspace(low - margin, high + margin, THRESHOLDS)


def _estimate(statistic: Statistic, resampling: Resampling, *methods: Runs) -> dict[str, Any]:
    """The value, its interval over runs, and its interval over levels."""
    # Replicate k drew the same levels for every method.
    replicates = min(len(runs.scores) for runs in methods)
    found = statistic(*(runs.scores[:replicates] for runs in methods))
    low, high = run_interval(
        statistic,
        *(runs.scores[0] for runs in methods),
        replicates=resampling.replicates,
        seed=resampling.seed,
    )
    level_low, level_high = ends(found[1:])
    names = ("value", "low", "high", "level_low", "level_high")
    return dict(zip(names, (found[0], low, high, level_low, level_high), strict=True))
