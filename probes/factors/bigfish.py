"""Bigfish: eat the smaller fish, grow, keep away from the larger ones.

Source: openai/procgen ``bigfish.cpp``.
"""

from probes.factors.frame import MISSING, Places, Real, Sheet, View, number, places_of, yes_no
from probes.factors.general import agent, background, clock, count, facing, the, towards

SIZE = 20
QUOTA = 30  # fish to eat
MOST = 60  # more fish than ever swim at once


def edible(view: View) -> Places:
    """Fish that are no larger than the agent."""
    fish = view.things("fish")
    return places_of(fish[fish["rx"] <= view.agent["rx"]])


def dangerous(view: View) -> Places:
    """Fish that are larger than the agent."""
    fish = view.things("fish")
    return places_of(fish[fish["rx"] > view.agent["rx"]])


def _comes(view: View) -> Real:
    gap = view.gap(dangerous, shown=True)
    if gap is None:
        return MISSING
    fish = view.things("fish")
    near = ((places_of(fish) - view.here - gap) ** 2).sum(axis=1).argmin()
    return float(fish["vx"][near] * gap[0] < 0)


SHEET = Sheet(
    game="bigfish",
    things={"fish": 2},
    cells={"space": 100},
    marks={"goal": edible, "hazard": dangerous},
    factors=(
        *agent(SIZE, SIZE, 0.5, 0.5),
        facing(),
        number(
            "agent_size",
            "cells",
            0.5,
            2,
            "half the agent's width: it may eat what is no larger",
            lambda view: float(view.agent["rx"]),
        ),
        number(
            "progress",
            "share",
            0,
            1,
            f"fish eaten, of the {QUOTA} that end the level; the agent's size shows it",
            lambda view: view.tail["fish_eaten"] / QUOTA,
        ),
        *towards("goal", edible, "the nearest fish to eat", reach=(SIZE, SIZE)),
        *towards("hazard", dangerous, "the nearest larger fish", reach=(SIZE, SIZE)),
        yes_no("hazard_comes", "the nearest larger fish in view swims towards the agent", _comes),
        count("fish", the("fish"), MOST, "fish"),
        count("edible", edible, MOST, "fish to eat"),
        count("dangerous", dangerous, MOST, "larger fish"),
        *clock(6000),
        background("bigfish"),
    ),
)
