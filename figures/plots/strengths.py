"""Do L2 and dropout help at another strength? Return and decisions against the strength."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from analysis.records.runs import RETURNS, Measure, MeasuredRun, runs_of, untrained_mean
from analysis.records.values import EMERGENCE
from checkpoints.policy.ids import UNTRAINED
from checkpoints.policy.recipes import BASELINE, METHODS, base_method
from figures.kit.panels import over_what, panel_title
from figures.kit.rows import load_values
from figures.kit.style import Drawing, Style, method_styles, on_paper, short
from figures.kit.varied import Row, behind, drawing, points_of, shared_step, shown_in

NAME = "strengths"
KINDS = {"l2": "weight of L2", "dropout": "probability of dropout"}
"""Setting of a recipe -> what it is called."""
MEANS = Style("0.6", "o")
UNSEEN: Measure = ("ratio_unseen", "decisions")
ALL: Measure = ("ratio", "decisions")
BETWEEN: Measure = ("tv_between", "decisions")


def strengths_of(kind: str) -> dict[str, float]:
    """Method -> strength, in increasing order: PPO, and what differs from it in this alone."""
    plain = asdict(METHODS[BASELINE])
    recipes = {name: asdict(recipe) for name, recipe in METHODS.items()}
    found = {
        name: recipe[kind]
        for name, recipe in recipes.items()
        if {key for key in plain if recipe[key] != plain[key]} <= {kind}
    }
    return dict(sorted(found.items(), key=lambda item: item[1]))


def name_of(strength: float) -> str:
    """``0.0001`` -> ``1e-4``, ``0.03`` -> ``0.03``."""
    return (
        f"{strength:g}"
        if strength == 0 or strength >= 0.01
        else f"{strength:.0e}".replace("e-0", "e-")
    )


def by_method(runs: list[MeasuredRun], kind: str) -> dict[str, list[MeasuredRun]]:
    """Method, without its backgrounds -> runs, in order of strength; empty with fewer than two."""
    found = {
        name: [r for r in runs if base_method(r.method) == name] for name in strengths_of(kind)
    }
    return found if sum(map(bool, found.values())) > 1 else {}


def rows_of(runs: list[MeasuredRun], values: pd.DataFrame) -> Iterator[Row]:
    """Rows of panels of one game and one set of training backgrounds, all at one step."""
    groups = {kind: by_method(runs, kind) for kind in KINDS}
    step = shared_step(group for of in groups.values() for group in of.values())
    for kind, of in groups.items():
        if of:
            yield row_of(kind, of, step, values)


def row_of(kind: str, groups: dict[str, list[MeasuredRun]], step: int, values: pd.DataFrame) -> Row:
    """The panels of one regulariser.

    Args:
        kind: of :data:`KINDS`.
        groups: runs of each strength, in order; some may have none.
        step: environment steps of each policy.
        values: the table that they are from.
    """
    ticks = {name: name_of(strength) for name, strength in strengths_of(kind).items()}
    some = [run for group in groups.values() for run in group]
    order = list(ticks)
    where = {
        run.method: (order.index(name), ticks[name]) for name, of in groups.items() for run in of
    }
    line = dict.fromkeys(where, kind)
    points = points_of(some, where, line, step, (RETURNS, UNSEEN, ALL, BETWEEN))
    unseen = bool(points.loc[points["measure"] == UNSEEN[0], "value"].notna().any())
    twins = "unseen" if unseen else "all"
    measures = {
        "return,\nunseen levels": RETURNS,
        f"TV twins ÷ states,\n{twins} backgrounds": UNSEEN if unseen else ALL,
        "TV between states": BETWEEN,
    }
    first, own = some[0], f"{BASELINE}-{kind}"
    return Row(
        f"{panel_title(first.game, first.method)}, after {short(step)} steps of each policy",
        f"{KINDS[kind]} (0: {BASELINE}; {ticks[own]}: {own})",
        tuple(ticks.values()),
        points[points["measure"].isin([measure for measure, _ in measures.values()])],
        measures,
        untrained_mean(values, first.game, RETURNS),
        behind(some, step),
    )


@on_paper
def draw(tables: Path) -> Iterator[Drawing]:
    """One figure: a row of panels for each regulariser, game and set of training backgrounds."""
    values = load_values(tables, EMERGENCE)
    runs = list(runs_of(values))
    rows = [
        row
        for key in sorted({(run.game, run.backgrounds) for run in runs})
        for row in rows_of([r for r in runs if (r.game, r.backgrounds) == key], values)
    ]
    methods = [method for row in rows for method in row.points["method"]]
    styles = method_styles([*methods, UNTRAINED])
    over = over_what(values, shown_in(rows))
    nothing = "No strengths of L2 or dropout were trained so far."
    yield drawing(NAME, rows, nothing, styles, dict.fromkeys(KINDS, MEANS), over)
