"""How far backgrounds move one policy's decisions, as cells of a table of values."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Int

from analysis.measures.decisions import Decisions, ViewPairs
from analysis.measures.robustness import is_undecided, robustness_draws
from analysis.records.values import OK, Cell, Cells

DECISIONS, BUTTONS = "decisions", "buttons"
"""What stands in the place of a layer: all 15 actions apart, or merged where they do the same."""
WIDE = ("tv", "tv_between", "entropy", "ratio")
"""Over all pairs of backgrounds."""
UNSEEN = ("tv_unseen", "tv_between_unseen", "ratio_unseen")
"""Over pairs of backgrounds that training never showed."""


def moved(
    what: str,
    decisions: Decisions,
    pairs: Mapping[str, ViewPairs],
    levels: Int[np.ndarray, " state"],
    weights: Int[np.ndarray, "R G"],
    seed: int,
) -> Cells:
    """How far decisions move between all backgrounds, and between those never shown.

    Args:
        what: stands in the place of a layer.
        decisions: on twins.
        pairs: from :func:`analysis.scenes.backgrounds.pairs_of`.
        levels: of each state.
        weights: from ``cluster_weights``.
        seed: of the draws of backgrounds.
    """

    def drawn(group: str) -> dict[str, np.ndarray]:
        return robustness_draws(decisions, levels, pairs[group], weights, views_seed=seed)

    every = drawn("all")
    cells = {(name, what): Cell(every[name]) for name in ("tv", "tv_between", "entropy")}
    cells["ratio", what] = _ratio(every)
    if not pairs["unseen"]:
        nothing = Cell(np.full(1 + len(weights), np.nan), "vacuous")
        return cells | {(name, what): nothing for name in UNSEEN}
    draws = drawn("unseen")
    return cells | {
        ("tv_unseen", what): Cell(draws["tv"]),
        ("tv_between_unseen", what): Cell(draws["tv_between"]),
        ("ratio_unseen", what): _ratio(draws),
    }


def _ratio(draws: dict[str, np.ndarray]) -> Cell:
    undecided = is_undecided(draws["tv_between"][0])
    return Cell(draws["ratio"], "undecided" if undecided else OK)
