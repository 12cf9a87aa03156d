"""Runs, read from the tables of measures at every kept step: what two methods are compared by."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from jaxtyping import Float

from checkpoints.policy.ids import UNTRAINED
from checkpoints.policy.recipes import narrowed_to

FACTORS = (
    *("ratio", "ratio_unseen", "tv", "tv_unseen", "tv_between", "tv_between_unseen", "saliency"),
    "effective_rank",
)
"""Measures above 0 that are compared by their quotient; all others by their difference."""
Measure = tuple[str, str]
"""(measure, layer)"""
RETURNS = ("return", "episodes")
MARGIN = 1.25
"""Factors from 1 / 1.25 to 1.25 are not relevant; as declared for the second sample."""
EQUIVALENT = 0.05
"""Error of *no relevant effect*, of both one-sided tests."""
SPREAD = "spread within ÷ between states"
"""Measure of embedding_scores: two views of a state apart, over two states."""
SPREAD_RANK = "effective rank of these states"
"""The same: of fewer states, more alike, than those behind ``effective_rank`` in other tables."""
BEGUN = 0.25
"""Share of the longest training that runs must have been trained for to be compared."""


def last_steps(rows: pd.DataFrame) -> pd.DataFrame:
    """Of each policy its last step only."""
    last = rows.groupby(["game", "method", "seed", "peer"])["step"].transform("max")
    return rows[rows["step"] == last]


def is_factor(measure: Measure) -> bool:
    """Whether two policies are compared by the quotient of this measure."""
    return measure[0] in FACTORS


@dataclass(frozen=True, eq=False)
class MeasuredRun:
    """One training run: each measure at each kept step, the mean over its peers."""

    game: str
    method: str
    seed: int
    rows: pd.DataFrame
    """of :data:`analysis.records.values.VALUES`"""

    @property
    def name(self) -> str:
        """The run's id."""
        return f"{self.game}/{self.method}/{self.seed}"

    @property
    def backgrounds(self) -> str:
        """How many backgrounds training was narrowed to, or ``all``."""
        return narrowed_to(self.method) or "all"

    @cached_property
    def peers(self) -> int:
        """Policies in the run."""
        return int(self.rows["peer"].nunique())

    @cached_property
    def steps(self) -> tuple[int, ...]:
        """Kept steps, increasing."""
        return tuple(sorted(set(self.rows["step"].tolist())))

    @cached_property
    def _cells(self) -> dict[tuple[str, str, int], list[tuple[float, str]]]:
        """(measure, layer, step) -> value and verdict of each peer."""
        columns = ["measure", "layer", "step", "value", "verdict"]
        found: dict[tuple[str, str, int], list[tuple[float, str]]] = {}
        for measure, layer, step, *cell in self.rows[columns].itertuples(index=False, name=None):
            found.setdefault((measure, layer, step), []).append((cell[0], cell[1]))
        return found

    def policies(self, step: int) -> list[str]:
        """Ids of its policies at a step."""
        return sorted(set(self.rows.loc[self.rows["step"] == step, "id"]))

    def at(self, measure: Measure, step: int) -> tuple[float, str]:
        """Value and verdict at one step: the mean over peers, NaN where one has none.

        Of a factor the value is its logarithm.
        """
        cells = self._cells.get((*measure, step))
        if cells is None:
            return np.nan, "not measured"
        parts = np.array([value for value, _ in cells], dtype=float)
        verdicts = [verdict for _, verdict in cells if verdict != "ok"]
        if is_factor(measure):
            with np.errstate(divide="ignore", invalid="ignore"):
                parts = np.log(parts)
            parts[~np.isfinite(parts)] = np.nan
        value = parts.mean()
        why = verdicts[0] if verdicts else "ok" if np.isfinite(value) else "undefined"
        return float(value), why

    def ends_at(self, measure: Measure, step: int) -> tuple[float, float]:
        """Ends of the interval at one step, in the measure's own unit: means over peers.

        Peers were measured on the same levels, so that their errors do not cancel.
        """
        some = self.rows[self.rows["step"] == step]
        here = some[(some["measure"] == measure[0]) & (some["layer"] == measure[1])]
        return float(here["low"].mean(skipna=False)), float(here["high"].mean(skipna=False))

    def values_at_steps(self, measure: Measure) -> Float[np.ndarray, " step"]:
        """Values at :attr:`steps`, NaN where there is none."""
        return np.array([self.at(measure, step)[0] for step in self.steps])


def runs_of(rows: pd.DataFrame) -> Iterator[MeasuredRun]:
    """The trained runs of a table of values, in order of game, method and seed."""
    trained = rows[rows["method"] != UNTRAINED]
    for (game, method, seed), some in trained.groupby(["game", "method", "seed"]):
        yield MeasuredRun(str(game), str(method), int(seed), some)


def untrained_values(rows: pd.DataFrame, game: str, measure: Measure) -> np.ndarray:
    """(n, 3) value, low and high of the untrained policies of a game."""
    here = rows[(rows["method"] == UNTRAINED) & (rows["game"] == game)]
    here = here[(here["measure"] == measure[0]) & (here["layer"] == measure[1])]
    return here[["value", "low", "high"]].dropna().to_numpy(float)


def untrained_mean(rows: pd.DataFrame, game: str, measure: Measure) -> float:
    """Mean over the untrained policies of a game; NaN without one."""
    found = untrained_values(rows, game, measure)
    return float(found[:, 0].mean()) if len(found) else np.nan
