"""How often two policies choose alike, in tables and in print: beside it what chance gives."""

import numpy as np
import pandas as pd
from jaxtyping import Float

from analysis.records.tables import Column

AGREEMENT = (
    Column("agreement", "float", "states on which the likeliest buttons agree", low=0, high=1),
    Column(
        *("agreement_chance", "float", "that of two who choose as often, whatever the state"),
        low=0,
        high=1,
    ),
)
HEADING = "agreement/κ"
"""Of what :func:`both_of` prints."""


def kappa(
    agreement: Float[np.ndarray, "*some"] | float, chance: Float[np.ndarray, "*some"] | float
) -> Float[np.ndarray, "*some"]:
    """(agreement − chance) / (1 − chance): 0 where chance alone agrees as often, 1 where all do.

    Cohen 1960, "A coefficient of agreement for nominal scales".

    Args:
        agreement: shares of states.
        chance: of each, from :func:`agreement_by_chance`.

    Returns:
        NaN where chance is 1: both always choose the same button, and nothing remains to agree on.
    """
    agreement, chance = np.asarray(agreement, float), np.asarray(chance, float)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(chance < 1, (agreement - chance) / (1 - chance), np.nan)


def means_of(rows: pd.DataFrame) -> tuple[float, float]:
    """Mean agreement and mean κ over rows that have the columns :data:`AGREEMENT`."""
    beyond = kappa(rows["agreement"].to_numpy(), rows["agreement_chance"].to_numpy())
    return float(rows["agreement"].mean()), float(pd.Series(beyond).mean())


def both_of(agreement: float, beyond: float) -> str:
    """Agreement and κ as tables print them; a dash for what is not defined."""
    # Adding 0 takes the sign off what is rounded to -0.
    shown = (round(one, 2) + 0.0 for one in (agreement, beyond))
    return "/".join("–" if np.isnan(one) else f"{one:.2f}" for one in shown)
