"""Contrasts as figures, README and LaTeX read them: a panel a game and control, and its lines."""

from typing import NamedTuple

import pandas as pd

from checkpoints.policy.ids import UNTRAINED
from checkpoints.policy.recipes import BASELINE
from figures.kit.style import in_method_and_step_order, without_backgrounds

UNSEEN, ALL = "ratio_unseen", "ratio"


class Line(NamedTuple):
    """One line of a panel: a method at a step."""

    method: str
    step: int

    def label(self, usual: int = 0) -> str:
        """What stands beside it: the method and its step, if that is not the ``usual`` one."""
        name = without_backgrounds(self.method)
        if self.method == UNTRAINED:
            return name
        return name if self.step == usual else f"{name}, {self.step / 1e6:.1f} M"


def against_ppo(rows: pd.DataFrame) -> pd.DataFrame:
    """The contrasts that have PPO as control."""
    return rows[[without_backgrounds(control) == BASELINE for control in rows["control"]]]


def outcome(rows: pd.DataFrame) -> str:
    """The measure shown of one panel: on unseen backgrounds if any method has a value there."""
    unseen = of_measure(rows, UNSEEN)
    return UNSEEN if unseen["value_treatment"].notna().any() else ALL


def of_measure(rows: pd.DataFrame, measure: str) -> pd.DataFrame:
    """The rows about decisions as they were published, all 15 actions apart."""
    return rows[(rows["measure"] == measure) & (rows["layer"] == "decisions")]


def panels(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """(game, control) of each panel, the declared contrast's first."""
    first = set(rows.loc[rows["primary"], ["game", "control"]].itertuples(index=False, name=None))
    there = dict.fromkeys(rows[["game", "control"]].itertuples(index=False, name=None))
    return sorted(there, key=lambda key: (key not in first, key))


def lines_of(here: pd.DataFrame) -> list[Line]:
    """Lines of a panel from the top: the control at its steps, then each method."""
    steps = here[here["match"].isin(["steps", "frames"])]
    control = {Line(one.control, one.steps_control) for one in steps.itertuples()}
    treated = {Line(one.treatment, one.steps_treatment) for one in steps.itertuples()}
    first = next(line.method for line in control)
    lines = in_method_and_step_order(control | treated)
    return sorted(lines, key=lambda one: one.method != first)


def of_outcome(rows: pd.DataFrame, game: str, control: str) -> pd.DataFrame:
    """The rows of one panel about the measure it shows."""
    here = rows[(rows["game"] == game) & (rows["control"] == control)]
    return of_measure(here, outcome(here))
