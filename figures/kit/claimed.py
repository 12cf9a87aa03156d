"""What arXiv 2501.02481 claims, in our words, and which measure decides each."""

from typing import NamedTuple


class Claim(NamedTuple):
    """A claim about two methods, and the measure that decides it."""

    says: str
    words: str
    measure: str
    layer: str
    sign: int
    """1: mutual distillation is claimed to have more of it than PPO; -1: less"""


CLAIMS = (
    Claim(
        "Mutual distillation makes policies robust to what is irrelevant",
        "TV of decisions between twins",
        "tv_unseen",
        "buttons",
        -1,
    ),
    Claim(
        "… and not only because they decide less",
        "TV between twins ÷ TV between states",
        "ratio_unseen",
        "buttons",
        -1,
    ),
    Claim("Invariant representations emerge", "ICC, last layer", "icc_unseen", "hidden", 1),
    Claim(
        "… from which the irrelevant is gone",
        "background probe, last layer",
        "probe_background",
        "hidden",
        -1,
    ),
    Claim(
        "(not claimed: fewer directions are left)",
        "effective rank, last layer",
        "effective_rank",
        "hidden",
        -1,
    ),
    Claim(
        "(not claimed: less is said of the level)",
        "I(Z; L), last layer",
        "level_information",
        "hidden",
        -1,
    ),
    Claim("(not claimed: units die)", "dead units, last layer", "dead_share", "hidden", 1),
    Claim("Generalisation improves", "return on unseen levels", "return_played", "episodes", 1),
)
"""In the order of the abstract; one row each of the family of tests that contrasts declare."""
BESIDE = {
    "icc_unseen": (
        Claim("", "its units standardised", "icc_standardised_unseen", "hidden", 1),
        Claim("", "its directions whitened", "icc_whitened_unseen", "hidden", 1),
    ),
    "return_played": (
        Claim("", "fewer episodes, as logged in training", "return", "episodes", 1),
        Claim("", "return on training levels less that", "gap_played", "episodes", -1),
    ),
}
"""Measure of a claim -> the same measured otherwise, which has no verdict of its own."""
PUBLISHED = (
    Claim("", "TV of decisions between twins", "tv_unseen", "decisions", -1),
    Claim("", "TV between twins ÷ TV between states", "ratio_unseen", "decisions", -1),
    Claim("", "ICC(1,1), last layer, all backgrounds", "icc_one_way", "hidden", 1),
    Claim("", "background probe, last layer", "probe_background", "hidden", -1),
)
"""What the controls are asked at equal steps: of runs that were not kept, their tables only."""
STANDS_IN = {"ICC(1,1), last layer, all backgrounds": "ICC, last layer"}
"""Of :data:`PUBLISHED` what is asked in place of a claim's own measure -> what that is called."""
