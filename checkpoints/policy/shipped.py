"""What is shipped: one list of runs and of the steps at which their policies are kept."""

from pathlib import Path

from checkpoints.policy.ids import PolicyId, parse_id
from checkpoints.policy.store import ZOO, list_policies

LAST = 2_097_152
KEPT = (131_072, 524_288, LAST)
"""Steps shipped at most: a sixteenth, a quarter and all of the training; 20 MB hold no more."""

SURVEYED: dict[str, tuple[int, ...]] = {
    "starpilot/mutual/0": KEPT,
    "starpilot/ppo/0": KEPT,
    "starpilot/ppo/1": (LAST,),
    "coinrun/mutual/0": KEPT[1:],
    "coinrun/ppo/0": KEPT[1:],
    "coinrun/ppo/1": (LAST,),
}
"""Run -> steps of what commands measure where nothing is named. These policies gather the states
that all are asked about, so this seldom changes."""
SHIPPED: dict[str, tuple[int, ...]] = SURVEYED | {
    **{f"starpilot/ppo-bg9/{seed}": (2 * LAST,) for seed in range(3)},
    **{f"starpilot/mutual-bg9/{seed}": (LAST,) for seed in range(3)},
    "starpilot/drac-twins-bg9/0": (LAST,),
}
"""Run -> steps of all that is shipped: beside those, both sides of the first declared contrast and
a policy that was made invariant."""

LOGGED = ("bigfish/ppo/0",)
"""Runs of the study whose log alone is drawn: on the game of the paper's picture."""


def of_samples() -> list[str]:
    """Runs of the declared contrast and of its control that was made invariant: all but those
    surveyed.
    """
    return [name for name in SHIPPED if name not in SURVEYED]


def usual_policies(root: Path = ZOO) -> list[PolicyId]:
    """The kept policies meant where nothing is named: those surveyed, or all of another folder."""
    known = list_policies(root)
    if root.resolve() != ZOO.resolve():
        return known
    runs = {parse_id(name) for name in SURVEYED}
    return [kept for kept in known if kept.run in runs]
