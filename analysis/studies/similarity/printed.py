"""What is printed of several pairs of policies, not all of which have every layer."""

import pandas as pd

from analysis.studies.similarity.agreement import both_of

PAIR = ["id_x", "id_y"]


def pairs_in(rows: pd.DataFrame) -> int:
    """How many pairs of policies rows are of."""
    return len(rows[PAIR].drop_duplicates())


def agreement_in(rows: pd.DataFrame) -> str:
    """Agreement and κ, the mean over pairs, however many layers each shares."""
    return both_of(*rows.drop_duplicates(PAIR)[["agreement", "kappa"]].mean())


def mean_in(rows: pd.DataFrame, value: str, pairs: int, mark: str = "") -> str:
    """The mean over pairs of one layer; the interval where there is a single pair.

    Args:
        rows: one a pair that has the layer.
        value: its column.
        pairs: of the line; where fewer have a value, how many is said.
        mark: what stands behind the value.
    """
    if rows.empty:
        return ""
    some = rows[rows[value].notna()]
    if some.empty:
        return "–"
    one = some.iloc[0]
    ends = "" if len(some) > 1 or pd.isna(one["low"]) else f" [{one['low']:.2f}, {one['high']:.2f}]"
    of = "" if len(some) == pairs else f" ({len(some)} of {pairs})"
    return f"{some[value].mean():.2f}{mark}{ends}{of}"
