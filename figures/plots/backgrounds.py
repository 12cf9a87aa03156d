"""Does it help to train on more backgrounds? Return and outcome against how many there were."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from analysis.records.runs import RETURNS, MeasuredRun, runs_of, untrained_mean
from analysis.records.values import EMERGENCE
from analysis.studies.twins import SCHEMA as TWINS
from checkpoints.policy.ids import UNTRAINED
from checkpoints.policy.recipes import base_method
from figures.kit.panels import over_what
from figures.kit.rows import load_rows, load_values
from figures.kit.style import Drawing, in_method_order, method_styles, on_paper, short
from figures.kit.varied import Row, behind, drawing, points_of, shared_step, shown_in

NAME = "backgrounds"
MEASURES = {
    "return, unseen levels,\nall backgrounds": RETURNS,
    "TV twins ÷ states,\nunseen backgrounds": ("ratio_unseen", "decisions"),
    "TV twins ÷ states,\nall backgrounds": ("ratio", "decisions"),
}


def settings_of(runs: list[MeasuredRun]) -> dict[str, dict[str, list[MeasuredRun]]]:
    """Method, without its backgrounds -> their number or ``all`` -> runs; two settings or more."""
    found: dict[str, dict[str, list[MeasuredRun]]] = {}
    for run in runs:
        found.setdefault(base_method(run.method), {}).setdefault(run.backgrounds, []).append(run)
    return {name: found[name] for name in in_method_order(found) if len(found[name]) > 1}


def row_of(
    game: str, runs: list[MeasuredRun], values: pd.DataFrame, total: int | None
) -> Row | None:
    """One game's panels; None where no method was trained on two sets of backgrounds.

    Args:
        game: whose runs these are.
        runs: trained ones.
        values: the table that they are from.
        total: backgrounds that the game shows if left alone; None if not known.
    """
    methods = settings_of(runs)
    if not methods:
        return None
    counts = {count for of in methods.values() for count in of}
    order = sorted(counts, key=lambda count: (count == "all", int(count) if count != "all" else 0))
    everything = "all" if total is None else f"{total} (all)"
    names = {count: everything if count == "all" else count for count in order}
    some = [run for of in methods.values() for group in of.values() for run in group]
    step = shared_step(group for of in methods.values() for group in of.values())
    where = {run.method: (order.index(run.backgrounds), names[run.backgrounds]) for run in some}
    line = {run.method: base_method(run.method) for run in some}
    points = points_of(some, where, line, step, MEASURES.values())
    gone = [
        f"{name} on {names[count]}"
        for name, of in methods.items()
        for count in order
        if count not in of
    ]
    notes = (f"no run: {', '.join(gone)}",) if gone else ()
    return Row(
        f"{game}, after {short(step)} steps of each policy",
        "backgrounds in training",
        tuple(names.values()),
        points,
        MEASURES,
        untrained_mean(values, game, RETURNS),
        notes + behind(some, step),
    )


@on_paper
def draw(tables: Path) -> Iterator[Drawing]:
    """One figure: a row of panels for each game where the number of backgrounds was varied."""
    values = load_values(tables, EMERGENCE)
    games = load_rows(tables, TWINS).set_index("game")
    totals = games["backgrounds_trained"].to_dict()
    runs = list(runs_of(values))
    rows = [
        row
        for game in sorted({run.game for run in runs})
        if (row := row_of(game, [r for r in runs if r.game == game], values, totals.get(game)))
    ]
    names = in_method_order(name for row in rows for name in row.points["line"])
    methods = [method for row in rows for method in row.points["method"]]
    styles = method_styles([*methods, *names, UNTRAINED])
    over = over_what(values, shown_in(rows))
    nothing = "No method was trained on two sets of backgrounds so far."
    yield drawing(NAME, rows, nothing, styles, {name: styles[name] for name in names}, over)
