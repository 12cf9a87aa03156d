"""Every way in which the declared sample can stand, told alike by all that tell it."""

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis.studies.looks.study import looks_of
from checkpoints.runs.declaration import Declaration
from checkpoints.runs.study import read_declaration
from figures.browser.claims import of_look
from figures.kit import numbers
from figures.kit.ledger import of_looks
from figures.kit.second_sample import counted, second_sample, would_change
from figures.plots.looks import plot_looks
from tests.support.declared import sample
from tests.support.looks import MARKERS
from tests.support.tree import ROOT

HEAD = r"\*\*The second sample\*\*, coinrun \({} pairs of runs at look {}; {} see\)"
FACTOR = r"× \d\.\d\d \[\d\.\d\d, \d+\.\d\d\]"
BLIND = "but 6 of 12 runs do not see: of them it says nothing"
TO_COME = "on coinrun, where each run holds out its own backgrounds, a factor on one side of 1 "
TO_COME += "at a look, or one shown within 1.25"
NEW = "a new sample, declared beforehand, "


@pytest.fixture(scope="module")
def declared() -> Declaration:
    return read_declaration(ROOT / "study-second.yaml")


def wide(declared: Declaration, pairs: int) -> pd.DataFrame:
    """Runs that differ so much that no look can say anything."""
    rows = sample(declared, 1.0, pairs)
    treated = rows["method"] == declared.treatment
    return rows.assign(value=rows["value"] + treated * np.where(rows["seed"] % 2, 0.7, -0.7))


def looks(declared: Declaration, kind: str) -> pd.DataFrame:
    """The table of a planted sample that stands so."""
    if kind == "undecided":
        rows = sample(declared, 0.5, 6)
        one = rows["run"] == "coinrun/mutual-split32/101"
        rows = rows.assign(value=rows["value"].mask(one), verdict=rows["verdict"].mask(one, "x"))
        return looks_of(rows, declared)
    made = {
        "waits": lambda: sample(declared, 0.5, 3),
        "less": lambda: sample(declared, 0.5, 6),
        "all see": lambda: sample(declared, 0.5, 6).assign(sees="yes"),
        "more": lambda: sample(declared, 2.0, 6),
        "none": lambda: sample(declared, 1.0, 12),
        "go on": lambda: wide(declared, 7),
        "not decided": lambda: wide(declared, 12),
        "insensitive": lambda: sample(declared, 0.5, 6, positive=1.0),
    }
    return looks_of(made[kind](), declared)


WAITS = "not reached: waits for the pair of seed 103"
GATE = r"\(" + FACTOR + r", p = 0\.\d+\)"
INSENSITIVE = "insensitive: its positive control is not told from the control"
UNDECIDED = "decides nothing: coinrun/mutual-split32/101 after 1,048,576 steps is x"
CASES = {
    "waits": ((3, 6), 1, "1 and 1", False, re.escape(WAITS), TO_COME),
    "less": ((6, 6), 1, "3 and 3", True, f"effect: less bound; {BLIND}", "otherwise"),
    "all see": ((6, 6), 1, "6 and 6", True, "effect: less bound", "otherwise"),
    "more": ((6, 6), 1, "3 and 3", True, f"effect: more bound; {BLIND}", "otherwise"),
    "none": (None, r"\d", r"\d and \d", True, r"no relevant effect; but .* nothing", "otherwise"),
    "go on": (
        *((6, 6), 1, "3 and 3", True),
        r"go on; look 2 \(7 of 9 pairs\): not reached: waits for the pair of seed 107",
        TO_COME,
    ),
    "not decided": ((12, 12), 3, "6 and 6", True, "not decided", f"{NEW}of more runs"),
    "insensitive": (
        *((6, 6), 1, "3 and 3", False),
        f"{INSENSITIVE} {GATE}, so that it decides nothing",
        f"{NEW}whose positive control is told apart and whose runs see",
    ),
    "undecided": ((6, 6), 1, "3 and 3", False, re.escape(UNDECIDED), f"{NEW}whose runs can all"),
}


@pytest.mark.parametrize("kind", CASES)
def test_it_is_told_alike_in_sentence_ledger_page_macros_and_figure(declared, kind):
    pairs, look, see, has_factor, said, change = CASES[kind]
    table = looks(declared, kind)
    there = "{} of {}".format(*pairs) if pairs else r"\d+ of \d+"
    head = HEAD.format(there, look, see) + (f", {FACTOR}" if has_factor else "")
    assert re.fullmatch(f"{head}: {said}\\.", second_sample(table))
    assert change in would_change(table)

    row = of_looks(table)
    assert re.fullmatch(f"look {look}: {said}", row["verdict"])
    assert bool(re.fullmatch(FACTOR, row["mutual to PPO"])) == has_factor
    assert has_factor or row["mutual to PPO"] == ""

    on_page = of_look(counted(table))
    assert (on_page is not None) == has_factor
    if on_page:
        assert f"× {on_page['effect']:.2f} [" in second_sample(table)

    macros = {one.name: one.text for one in numbers.of_looks(table)}
    assert ("secondSampleEffect" in macros) == has_factor
    assert macros["secondSampleVerdict"].startswith(table["verdict"].iloc[-1][:5]) or len(table) > 1

    ax = plot_looks(Figure().subplots(), table)
    marks = [line for line in ax.lines if line.get_marker() in MARKERS]
    drawn = table["effect"] if has_factor else table["positive"]
    np.testing.assert_allclose([mark.get_xdata()[0] for mark in marks], drawn.dropna())


def test_a_small_p_is_no_zero(declared):
    table = looks(declared, "less")
    macros = {one.name: one.text for one in numbers.of_looks(table)}
    p = float(re.sub(r"\\num{(.*)}", r"\1", macros["secondSampleP"]))
    assert p == pytest.approx(table["p"].iloc[0], rel=0.01) and 0 < p < 0.001


def test_the_margin_is_the_declared_one(declared):
    table = looks(declared, "waits").assign(margin=1.5)
    assert "shown within 1.5." in would_change(table)
    ax = plot_looks(Figure().subplots(), table)
    assert ax.patches[0].get_extents().width == pytest.approx(
        ax.transData.transform((1.5, 0))[0] - ax.transData.transform((1 / 1.5, 0))[0]
    )
