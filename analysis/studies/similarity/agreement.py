"""How often two policies choose alike, and what of it chance alone would give them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from analysis.measures.decisions import agreement_by_chance, agreement_of, kappa
from analysis.records.tables import Column

AGREEMENT = (
    Column("agreement", "float", "states on which the likeliest buttons agree", low=0, high=1),
    Column(
        *("agreement_chance", "float", "that of two who choose as often, whatever the state"),
        low=0,
        high=1,
    ),
    Column("kappa", "float", "(agreement − agreement_chance) / (1 − agreement_chance)", high=1),
)
HEADING = "agreement/κ"
"""Of what :func:`both_of` prints."""


@dataclass(frozen=True)
class Agreement:
    """Of the likeliest buttons of two policies; NaN where actions are continuous."""

    share: float
    """of states on which they agree"""
    chance: float
    """the same of two policies that choose as often as these, each whatever the state"""

    @classmethod
    def of(
        cls, game: str, chosen: Int[np.ndarray, " state"], others: Int[np.ndarray, "*order state"]
    ) -> "Agreement":
        """On the states of one bank, or on those of several orders of it."""
        both = game, chosen, others
        return cls(agreement_of(*both), agreement_by_chance(*both))

    @property
    def kappa(self) -> float:
        """What remains above chance; NaN where chance is 1."""
        return float(kappa(self.share, self.chance))

    def cells(self) -> dict[str, float]:
        """What fills :data:`AGREEMENT`."""
        return {"agreement": self.share, "agreement_chance": self.chance, "kappa": self.kappa}


def both_of(agreement: float, beyond: float) -> str:
    """Agreement and κ as tables print them; a dash for what is not defined."""
    return "/".join("–" if np.isnan(one) else f"{one:z.2f}" for one in (agreement, beyond))
