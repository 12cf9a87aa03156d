"""Maps and pairs of similarity: what is printed, hatched and drawn is what the table says."""

import pytest

from figures.kit.style import METHOD_STYLES
from figures.plots import similarity, similarity_nulls, similarity_outliers, similarity_pairs
from figures.plots.cka_map import number
from tests.support import toy_tables
from tests.support.looks import MARKERS

KINDS = ["mutual peers", "ppo seeds", "untrained"]


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return toy_tables.write_all(tmp_path_factory.mktemp("synthetic"))


@pytest.fixture(scope="module")
def page(tables):
    return next(one for one in similarity.draw(tables) if one.name == "similarity-coinrun")


def maps(page):
    """(measure, kind) -> panel, in the order of the rows behind."""
    names = [tuple(one) for one in page.rows[["measure", "pair"]].drop_duplicates().to_numpy()]
    panels = [ax for ax in page.figure.axes if ax.images]
    return dict(zip(names, panels, strict=True))


def test_every_tested_measure_and_no_other_has_a_map_of_each_kind(page):
    tested = ("cka", "cka_deconfounded", "cka_rbf", "neighbours")
    assert list(maps(page)) == [(measure, kind) for measure in tested for kind in KINDS]


def test_the_page_names_what_the_measures_are(page):
    from analysis.measures.panel import PROFILES

    assert set(similarity.MEASURES) == set(PROFILES)
    titles = [ax.get_title() for ax in page.figure.axes if ax.get_title()]
    kappas = {"untrained": "–"}
    said = (f"agree 0.50, κ {kappas.get(kind, '0.20')}" for kind in KINDS)
    assert titles == [f"{kind} (n = 1)\n{agreed}" for kind, agreed in zip(KINDS, said, strict=True)]


def test_one_background_is_left_out_where_a_game_shows_only_one(tables):
    rows = similarity.load_rows(tables, similarity.SCHEMA)
    rows = rows[rows["game"] == "coinrun"]
    same = rows[rows["measure"] == "cka"].assign(measure="cka_one_background")
    names = similarity.shown_measures(rows)
    assert similarity.shown_measures(similarity.pd.concat([rows, same])) == names
    both = similarity.pd.concat([rows, same.assign(value=same["value"] / 2)])
    assert similarity.shown_measures(both) == [*names[:2], "cka_one_background", *names[2:]]


def test_cells_print_what_is_beyond_chance(page):
    rows = page.rows.query("measure == 'neighbours' and pair == 'ppo seeds'")
    printed = [text.get_text() for text in maps(page)["neighbours", "ppo seeds"].texts]
    assert printed == [number(value) for value in rows["calibrated"]]


def test_only_cells_that_chance_explains_are_hatched(page):
    hatched = {name: [one.get_xy() for one in ax.patches] for name, ax in maps(page).items()}
    # conv1 of x is the lowest line, hidden of y the last column.
    assert {name: at for name, at in hatched.items() if at} == {
        (measure, "untrained"): [(2.5, -0.5)] for measure in set(page.rows["measure"])
    }


def test_a_cell_stands_out_only_if_it_does_in_every_pair(page):
    rows = page.rows.query("measure == 'cka' and pair == 'mutual peers'")
    other = rows.assign(p_max=0.5)
    both = similarity.averaged(similarity.pd.concat([rows, other]))
    assert set(both["p_max"]) == {0.5} and set(both["pairs"]) == {2}


def test_pairs_of_same_layers_are_drawn_with_their_intervals(tables):
    (drawing,) = similarity_pairs.draw(tables)
    titles = [ax.get_title() for ax in drawing.figure.axes if ax.get_title()]
    assert len(titles) == 2 * len(set(drawing.rows["measure"])) and "SVCCA" in titles
    assert set(drawing.rows["pair"]) == set(KINDS)
    assert (drawing.rows["layer_x"] == drawing.rows["layer_y"]).all()
    dots = [line for ax in drawing.figure.axes for line in ax.lines if line.get_marker() in MARKERS]
    assert sorted(y for line in dots for y in line.get_ydata()) == sorted(drawing.rows["value"])
    bars = [lines for ax in drawing.figure.axes for lines in ax.collections]
    ends = sorted(y for one in bars for segment in one.get_segments() for y in segment[:, 1])
    assert ends == pytest.approx(sorted([*drawing.rows["low"], *drawing.rows["high"]]))
    assert {line.get_color() for line in dots} == {
        METHOD_STYLES[name].colour for name in ("mutual", "ppo", "untrained")
    }


def test_kinds_stand_in_one_order_whatever_the_table_has():
    pairs = ["untrained", "ppo seeds", "mutual vs ppo", "mutual peers", "mutual seeds"]
    rows = similarity.pd.DataFrame({"pair": pairs})
    assert similarity.kinds_of(rows) == ["mutual peers", "mutual seeds", "ppo seeds", "untrained"]


def test_every_null_is_a_line_with_its_agreement_and_kappa(tables):
    (drawing,) = similarity_nulls.draw(tables)
    ax = drawing.figure.axes[0]
    assert ax.get_ylabel() == "coinrun: peers agree on 0.90, κ 0.88"
    assert [text.get_text() for text in ax.get_yticklabels()] == [
        "permuted levels\n(0.10, κ −0.12)",
        "ppo at equal kappa\n(none; nearest: 0.30, κ 0.12)",
        "ppo seeds\n(0.30, κ 0.12)",
        "ppo seeds, where\nboth agree (144 states)",
    ]
    rows = drawing.rows.query("game == 'coinrun' and measure == 'cka'")
    drawn = [x for line in ax.lines if line.get_marker() != "None" for x in line.get_xdata()]
    assert sorted(x for x in drawn if x == x) == sorted(rows["difference"].dropna())
    (segment, *_) = (one for lines in ax.collections for one in lines.get_segments())
    one = rows[(rows["layer"] == "conv1") & (rows["null"] == "permuted levels")].iloc[0]
    assert list(segment[:, 0]) == [one["low"], one["high"]]


def test_a_null_that_was_not_compared_has_no_nearest(tables):
    rows = similarity_nulls.load_rows(tables, similarity_nulls.NULL_SCHEMA)
    one = rows[rows["null"] == "ppo at equal kappa"].iloc[0].copy()
    one[["null_agreement", "null_kappa"]] = float("nan")
    assert similarity_nulls.named(one) == "ppo at equal kappa\n(none)"


def test_curves_without_the_top_show_their_rows(tables):
    (drawing,) = similarity_outliers.draw(tables)
    ax = drawing.figure.axes[0]
    rows = drawing.rows.query("game == 'coinrun' and layer == 'conv1'")
    assert [line.get_label() for line in ax.lines] == KINDS
    for line in ax.lines:
        curve = rows[rows["pair"] == line.get_label()]
        assert list(line.get_xdata()) == pytest.approx([0, 1, 5, 20])
        assert list(line.get_ydata()) == list(curve["cka"])
        assert line.get_color() == METHOD_STYLES[line.get_label().split()[0]].colour
