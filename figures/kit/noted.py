"""What is said under a panel of contrasts: what is missing, and who sees."""

import textwrap

import numpy as np
import pandas as pd

from figures.kit.style import without_backgrounds

NOTE_WIDTH = 62
"""Letters of a note's line: a longer one would take the room of the panels."""


def notes(here: pd.DataFrame) -> str:
    """What is missing, and who sees, in lines under a panel."""
    words = []
    # Where return or entropy is held equal, those that never pass the level are called missing.
    planned = here.loc[here["match"].isin(["steps", "frames"]), "missing"].dropna()
    missing = sorted({name for text in planned for name in str(text).split()})
    if missing:
        listed = ", ".join(name.split("/", 1)[1] for name in missing)
        words.append(f"not trained so far: {listed}")
    return textwrap.fill("; ".join([*words, *sight(here)]), NOTE_WIDTH, break_on_hyphens=False)


def seen(here: pd.DataFrame) -> dict[tuple[str, int], tuple[float, int]]:
    """(method, step) -> how many of its runs see, NaN where nobody asked, and how many there are.

    Args:
        here: contrasts of one panel and measure.
    """
    planned = here[here["match"].isin(["steps", "frames"])]
    found: dict[tuple[str, int], tuple[float, int]] = {}
    for side in ("treatment", "control"):
        columns = [f"{name}{side}" for name in ("", "steps_", "sees_", "runs_")]
        for method, step, sees, runs in planned[columns].itertuples(index=False, name=None):
            if runs:
                found[method, step] = sees, runs
    return found


def sight(here: pd.DataFrame) -> list[str]:
    """How many runs of a line see, where not all do; and of which lines that was measured at all.

    Args:
        here: contrasts of one panel and measure.
    """
    found = seen(here)
    known = {line: pair for line, pair in found.items() if not np.isnan(pair[0])}
    if not known:
        return ["seeing not measured"] if found else []
    methods = [method for method, _ in found]
    names = {
        (method, step): without_backgrounds(method)
        + (f" {step / 1e6:.1f} M" if methods.count(method) > 1 else "")
        for method, step in known
    }
    words = [
        f"{names[line]}: {sees:.0f} of {runs} runs see"
        for line, (sees, runs) in known.items()
        if sees < runs
    ]
    if len(known) < len(found):
        words.append(f"seeing not measured but of {', '.join(names.values())}")
    return words
