"""Who shares a panel: one game, one set of training backgrounds, one family of methods."""

import pandas as pd
import pytest

from figures.kit.panels import by_backgrounds, by_family, over_what, panel_title


def rows_of(*methods: str, game: str = "starpilot") -> pd.DataFrame:
    return pd.DataFrame({"game": game, "method": [*methods, "untrained"]})


def test_backgrounds_stand_in_the_title_and_not_in_the_method():
    rows = rows_of("ppo", "mutual", "ppo-bg9", "mutual-bg1")
    panels = by_backgrounds(rows)
    assert [title for _, title, _ in panels] == [
        *("starpilot", "starpilot, 1 training background", "starpilot, 9 training backgrounds")
    ]
    assert [set(here["method"]) for *_, here in panels] == [
        *({"ppo", "mutual", "untrained"}, {"mutual", "untrained"}, {"ppo", "untrained"})
    ]
    assert panel_title("coinrun", "ppo-split32") == "coinrun, 32 drawn training backgrounds"


def test_a_panel_holds_the_baseline_and_one_family():
    methods = ("ppo", "mutual", "oneway", "ppo-l2", "ppo-l2-weak", "drac-twins", "my-own")
    found = by_family(rows_of(*(f"{name}-bg9" for name in methods)), "figure")
    shown = {
        name: [set(panel.rows["method"]) - {"ppo", "untrained"} for panel in panels]
        for name, panels in found.items()
    }
    assert shown == {
        "figure-narrowed": [{"mutual", "oneway"}],
        "figure-controls": [{"my-own"}, {"ppo-l2"}, {"drac-twins"}],
    }
    assert all(
        {"ppo", "untrained"} <= set(p.rows["method"]) for some in found.values() for p in some
    )


def test_the_baseline_alone_is_a_panel():
    ((name, (panel,)),) = by_family(rows_of("ppo"), "figure").items()
    assert (name, panel.title) == ("figure", "starpilot")


@pytest.mark.parametrize(
    ("anew", "said"),
    [
        ([], "over levels, backgrounds as they are"),
        (["a"], "over levels, of some policies' decisions over backgrounds too"),
        (["a", "b"], "over levels, of decisions over backgrounds too"),
    ],
)
def test_bars_are_said_to_resample_what_they_resample(anew, said):
    cells = [(one, "decisions") for one in "abc"] + [(one, "buttons") for one in [*anew, "c"]]
    rows = pd.DataFrame(cells, columns=["id", "layer"]).assign(game="g", method="m", step=1)
    rows.loc[rows["id"] == "c", "step"] = 2  # not drawn
    assert over_what(rows, [("g", "m", 1)]) == said
