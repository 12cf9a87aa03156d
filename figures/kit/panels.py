"""Which policies share a panel: those of one game and set of training backgrounds, by family."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes

from checkpoints.policy.ids import UNTRAINED
from checkpoints.policy.recipes import BASELINE, is_strength, narrowed_to
from figures.kit.style import DISTILLED, method_styles, without_backgrounds


class Panel(NamedTuple):
    """What one panel, or one column of panels, is about."""

    title: str
    rows: pd.DataFrame
    """of one game; methods without their backgrounds, untrained policies among them"""


def panel_title(game: str, method: str) -> str:
    """The game, and how many backgrounds training was narrowed to, if it was."""
    count = narrowed_to(method)
    many = "" if count == "1" else "s"
    return f"{game}, {count} training background{many}" if count else game


def over_what(policies: pd.DataFrame, shown: Iterable[tuple[str, str, int]]) -> str:
    """What the bars of policies are taken over, in words.

    Backgrounds are drawn anew since buttons are merged: a policy without a row of layer
    ``buttons`` was measured before, and its interval holds the backgrounds as they are.

    Args:
        policies: :data:`analysis.records.values.VALUES`.
        shown: game, method and step of those that are drawn.
    """
    keys = pd.MultiIndex.from_frame(policies[["game", "method", "step"]])
    drawn = policies[keys.isin(list(shown))]
    anew = drawn["layer"].eq("buttons").groupby(drawn["id"]).any()
    if not anew.any():
        return "over levels, backgrounds as they are"
    whose = "decisions" if anew.all() else "some policies' decisions"
    return f"over levels, of {whose} over backgrounds too"


def name_lines(ax: Axes, names: Sequence[str]) -> None:
    """Lines 0, 1, … of a panel from the top, each with its name, read off at upright lines."""
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.grid(axis="x")
    ax.grid(visible=False, axis="y")


def by_backgrounds(rows: pd.DataFrame) -> list[tuple[str, str, pd.DataFrame]]:
    """Game, title and rows of each game and set of training backgrounds, by name.

    Untrained policies stand in every panel of their game. Methods lose their number of
    backgrounds, which the title says.
    """
    trained = rows["method"] != UNTRAINED
    titles = pd.Series(
        [panel_title(*pair) for pair in zip(rows["game"], rows["method"], strict=True)], rows.index
    )
    keys = sorted(set(zip(rows.loc[trained, "game"], titles[trained], strict=True)))
    return [
        (
            game,
            title,
            _plainly(rows[(titles == title) & trained | (rows["game"] == game) & ~trained]),
        )
        for game, title in keys
    ]


def _plainly(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(method=[without_backgrounds(method) for method in rows["method"]])


def by_family(rows: pd.DataFrame, name: str) -> dict[str, list[Panel]]:
    """Name of a figure -> its panels, so that few methods share one; strengths are left out.

    Each panel holds the baseline and one family of methods. Those that distil stand in the figure
    called ``name``, or ``name-narrowed`` where training was narrowed to some backgrounds; all
    others in ``name-controls``.
    """
    found: dict[str, list[Panel]] = {}
    for game, title, here in by_backgrounds(rows[~rows["method"].map(is_strength)]):
        family = {one: style.family for one, style in method_styles(here["method"]).items()}
        both = {BASELINE, UNTRAINED}
        others = dict.fromkeys(family[one] for one in family if one not in both)
        for kind in sorted(others) or [DISTILLED]:
            mine = [one in both or family[one] == kind for one in here["method"]]
            words = title if kind == DISTILLED else f"{title}, {kind}"
            end = "-narrowed" if title != game else ""
            figure = name + (end if kind == DISTILLED else "-controls")
            found.setdefault(figure, []).append(Panel(words.replace(", ", ",\n"), here[mine]))
    return found
