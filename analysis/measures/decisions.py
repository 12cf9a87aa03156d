"""How far decisions differ between views of a state, and between states: pure functions.

A *view* is one picture of a state: on another background, recoloured, or with noise. A policy
that follows the state alone decides alike on all of them. One that decides nothing does so too,
so every change between views stands beside the change between states.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.distance import cdist
from scipy.special import entr, rel_entr

from checkpoints.console import UserError
from checkpoints.doors.arrays import ArrayLike, as_array
from checkpoints.world.buttons import buttons, merged
from checkpoints.world.games import get_game

_ROWS = 64  # states compared at once, in all pairs of views or with all others: fits the cache

ViewPairs = Sequence[tuple[int, int]]


@dataclass(frozen=True, eq=False)
class Decisions:
    """What a policy makes of states, each in the same views."""

    probs: Float[np.ndarray, "state view action"]
    """of each action, adding up to 1"""
    values: Float[np.ndarray, "state view"]
    """the critic's value, in units of scaled discounted reward"""

    def of_buttons(self, game: str) -> "Decisions":
        """The same with the actions merged that do the same in a game."""
        return Decisions(merged(self.probs, game), self.values)


def probabilities(
    log_probs: Float[np.ndarray, "*some action"],
) -> Float[np.ndarray, "*some action"]:
    """Probabilities in float64 that add up to 1, from log-probabilities in float32."""
    p = np.exp(np.asarray(log_probs, dtype=np.float64))
    return p / p.sum(-1, keepdims=True)


def likeliest(log_probs: Float[np.ndarray, "*some action"], game: str) -> Int[np.ndarray, "*some"]:
    """Each state's likeliest button, by its place in :func:`checkpoints.world.buttons.buttons`.

    Where a world's actions are continuous: of what the policy gives in place of probabilities.
    """
    probs = probabilities(log_probs)
    return (merged(probs, game) if buttons(game) else probs).argmax(-1)


_LOOSE = 0.02
"""By how much probabilities may miss a sum of 1."""


def total_variation(p: ArrayLike, q: ArrayLike) -> Float[np.ndarray, "*some"]:
    """½ Σ|p − q| over the last axis, in [0, 1]: the probability that has to move.

    Args:
        p: (…, action) probabilities.
        q: the same, of the same actions; other axes may be those of p or 1.

    Raises:
        UserError: other actions or axes, numbers that are no probabilities, such as logits.
    """
    p, q = as_array(p, "p"), as_array(q, "q")
    if p.shape[-1:] != q.shape[-1:] or not p.ndim:
        raise UserError(
            f"expected p and q of the same actions, got shapes {p.shape} and {q.shape}; the last "
            "axis is actions"
        )
    for name, one in (("p", p), ("q", q)):
        _check_probabilities(one, name)
    try:
        apart = np.abs(np.subtract(p, q, dtype=np.result_type(p, q, np.float32)))
    except ValueError as error:
        raise UserError(
            f"expected p and q of the same states, got shapes {p.shape} and {q.shape}; give both "
            "for the same rows"
        ) from error
    return np.asarray(apart.sum(-1) / 2)


def _check_probabilities(p: np.ndarray, name: str) -> None:
    """They add up to 1 over the last axis, as far as bfloat16 can say so."""
    sums = p.sum(-1, dtype=np.float64) if p.size else np.zeros(1)
    if p.size and p.min() >= -_LOOSE and np.abs(sums - 1).max() <= _LOOSE:
        return
    raise UserError(
        f"{name}: expected probabilities, which add up to 1 over the last axis, got sums from "
        f"{sums.min():.4g} to {sums.max():.4g} of shape {p.shape}; take the softmax of logits first"
    )


def jensen_shannon(
    p: Float[np.ndarray, "*some action"], q: Float[np.ndarray, "*some action"]
) -> Float[np.ndarray, "*some"]:
    """Jensen–Shannon divergence over the last axis in nats, in [0, ln 2]; not its square root.

    Lin 1991, "Divergence measures based on the Shannon entropy", for two equal weights. Between
    observations that differ only in background it is reported for Procgen by Raileanu et al. 2021,
    "Automatic Data Augmentation for Generalization in Reinforcement Learning" (DrAC).
    """
    m = (p + q) / 2
    return np.clip((rel_entr(p, m) + rel_entr(q, m)).sum(-1) / 2, 0.0, np.log(2))


def entropy(p: Float[np.ndarray, "*some action"]) -> Float[np.ndarray, "*some"]:
    """−Σ p ln p over the last axis in nats: 0 for one certain action, ln 15 for all alike."""
    return entr(p).sum(-1)


def between_views(
    decisions: Decisions, pairs: ViewPairs
) -> dict[str, Float[np.ndarray, "state pair"]]:
    """Each state's change over each of the given pairs of its views.

    Args:
        decisions: their distributions are compared as they are: over actions, or over buttons
            after :meth:`Decisions.of_buttons`.
        pairs: views compared.

    Returns:
        ``tv`` the total variation; ``agreement`` 1 where the likeliest entry of both
        distributions is the same, else 0; ``value_shift`` |ΔV|; ``jsd`` the divergence in nats.
    """
    starts = range(0, len(decisions.values), _ROWS)
    parts = [_between_views(decisions, pairs, slice(start, start + _ROWS)) for start in starts]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _between_views(decisions: Decisions, pairs: ViewPairs, rows: slice) -> dict[str, np.ndarray]:
    p, V = decisions.probs[rows], decisions.values[rows]
    left, right = np.array(pairs).T
    likeliest = p.argmax(-1)
    return {
        "tv": total_variation(p[:, left], p[:, right]),
        "agreement": (likeliest[:, left] == likeliest[:, right]).astype(float),
        "value_shift": np.abs(V[:, left] - V[:, right]),
        "jsd": jensen_shannon(p[:, left], p[:, right]),
    }


def views_of(pairs: ViewPairs) -> list[int]:
    """The views that stand in the pairs."""
    return sorted({view for pair in pairs for view in pair})


def between_states(
    features: Float[np.ndarray, "state feature"], levels: Int[np.ndarray, " state"]
) -> Float[np.ndarray, "G G"]:
    """Sum of the city-block distances of all pairs of states, for each pair of levels.

    Args:
        features: probabilities (half the distance is the total variation), or a value each.
        levels: (state,) seed of each state's level.

    Returns:
        (G, G), symmetric, its diagonal 0: states of one level resemble each other, and are left
        out. Levels in the order of ``np.unique``.
    """
    order = np.argsort(levels, kind="stable")
    features, level = features[order], np.unique(levels[order], return_inverse=True)[1]
    sums = np.zeros((level[-1] + 1, level[-1] + 1))
    for start in range(0, len(features), _ROWS):
        part = slice(start, start + _ROWS)
        distances = cdist(features[part], features[start:], "cityblock")
        distances[:, :_ROWS] /= 2  # pairs within the part stand there both ways round
        of_rows = np.add.reduceat(distances, _beginnings(level[part]), axis=0)
        found = np.add.reduceat(of_rows, _beginnings(level[start:]), axis=1)
        first = level[start]
        sums[first : first + len(found), first:] += found
    np.fill_diagonal(sums, 0.0)
    return sums + sums.T


def _beginnings(level: Int[np.ndarray, " state"]) -> Int[np.ndarray, " level"]:
    """Where each level begins, of states in the order of their levels."""
    return np.flatnonzero(np.diff(level, prepend=-1))


def agreement_of(
    game: str, chosen: Int[np.ndarray, " state"], others: Int[np.ndarray, "*order state"]
) -> float:
    """Share of states on which the likeliest buttons agree; NaN where actions are continuous."""
    if not get_game(game).num_actions:
        return float("nan")
    return float((chosen == others).mean())


def agreement_by_chance(
    game: str, chosen: Int[np.ndarray, " state"], others: Int[np.ndarray, "*order state"]
) -> float:
    """Agreement of two policies that choose as often as these, each whatever the state.

    Returns:
        Σ f(b) g(b) over buttons b, f and g the shares of states in which b is likeliest: the mean
        of :func:`agreement_of` over all orders of one side's states. NaN where actions are
        continuous.
    """
    if not get_game(game).num_actions:
        return float("nan")
    size = 1 + max(chosen.max(), others.max())
    f, g = (np.bincount(one.ravel(), minlength=size) / one.size for one in (chosen, others))
    return float(f @ g)


def kappa(agreement: ArrayLike, chance: ArrayLike) -> Float[np.ndarray, "*some"]:
    """(agreement − chance) / (1 − chance): 0 where chance alone agrees as often, 1 where all do.

    Cohen 1960, "A coefficient of agreement for nominal scales".

    Args:
        agreement: shares of states.
        chance: of each, from :func:`agreement_by_chance`.

    Returns:
        NaN where chance is 1: both always choose the same button, and nothing remains to agree on.
    """
    agreement, chance = as_array(agreement, "agreement"), as_array(chance, "chance")
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(chance < 1, (agreement - chance) / (1 - chance), np.nan)
