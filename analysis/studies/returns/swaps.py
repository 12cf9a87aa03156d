"""Does the wallpaper cost reward? The same episodes on other backgrounds, paired one by one."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from analysis.records.columns import NORMAL, POLICY, estimate, interval
from analysis.records.tables import Column, Schema
from analysis.scenes.episodes import Pool
from analysis.stats.clusters import Interval, cluster_interval
from analysis.studies.returns.episodes import SPLITS

SWAP_SCHEMA = Schema(
    "returns_swaps",
    (
        *POLICY,
        Column("swap", "text", "none; episode, step: what the background is re-drawn for; blind"),
        Column("backgrounds", "text", "all, seen or unseen: what is drawn from, but never the own"),
        Column("vacuous", "bool", "a level without another such background: nothing to swap"),
        Column("episodes", "int", "played, one from each first state", low=2),
        Column("levels", "int", "unseen levels they play", low=2),
        Column("episode_steps", "float", "mean length of an episode", "steps", low=1),
        Column("episode_return", "float", "mean undiscounted return", "reward"),
        *interval(unit="reward"),
        *estimate("difference", "from the own backgrounds, episode by episode", unit="reward"),
        Column("sees", "text", "of blind: yes if its mix of actions earns less by 2 errors; or no"),
    ),
    key=("game", "id", "backgrounds", "swap"),
    command="analysis.returns",
)
NOTHING = Interval(np.nan, np.nan, np.nan)


def swap_rows(
    who: Mapping[str, Any],
    played: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    backgrounds: Pool,
    replicates: int,
    seed: int,
) -> Iterator[dict[str, Any]]:
    """The rows of one policy: unseen levels on their own backgrounds, and on others.

    Actions are sampled with the same random numbers on each, so that a policy that does not look
    at the background earns the same, episode by episode.

    Args:
        who: ``Subject.columns``.
        played: split -> rows of the table ``returns``; none where there was nothing to swap to.
        backgrounds: what was swapped to.
        replicates: of the bootstrap over levels.
        seed: of the bootstrap.
    """
    levels = np.array([row["level"] for row in played["unseen"]])
    own = _returns(played["unseen"])
    counts = {"episodes": len(own), "levels": len(np.unique(levels))}

    def ends(values: np.ndarray) -> Interval:
        return cluster_interval(values, levels, replicates=replicates, seed=seed)

    for split, how in SPLITS.items():
        if split == "train":
            continue
        rows, swap = played[split], "blind" if split == "blind" else how
        returns = _returns(rows)
        found = ends(returns) if rows else NOTHING
        change = ends(returns - own) if rows and swap != "none" else NOTHING
        yield {
            **who,
            "swap": swap,
            "backgrounds": "own" if how == "none" else backgrounds,
            "vacuous": not rows,
            **counts,
            "episode_steps": np.mean([row["episode_steps"] for row in rows]) if rows else np.nan,
            **dict(zip(("episode_return", "low", "high"), found, strict=True)),
            **dict(zip(("difference", "difference_low", "difference_high"), change, strict=True)),
            "sees": ("yes" if sees(change) else "no") if swap == "blind" else "",
        }


def sees(blind: Interval, errors: float = 2.0) -> bool:
    """Whether a policy earns more than its own mix of actions, by so many standard errors.

    Args:
        blind: what the mix earns less what the policy earns, with its 95 % interval.
        errors: how many.
    """
    return bool(blind.estimate < -errors * (blind.high - blind.low) / (2 * NORMAL))


def earns_more(over: Interval, errors: float = 2.0) -> bool:
    """:func:`sees`, of what the policy earns less what its mix earns."""
    return sees(Interval(-over.estimate, -over.high, -over.low), errors)


def _returns(rows: Sequence[Mapping[str, Any]]) -> np.ndarray:
    return np.array([row["episode_return"] for row in rows])
