"""What the page says of the study: the ledger's words, the table's numbers, or what is missing."""

import hashlib
from pathlib import Path

import pandas as pd
import pytest

from analysis.records.tables import Column, Schema
from checkpoints.console import UserError
from figures.browser.sources import PagePlaces, source
from figures.browser.study import answer, dash_of, methods_of, study
from figures.kit import ledger, other_claims
from figures.kit.claimed import STANDS_IN
from figures.kit.style import METHOD_STYLES
from tests.support.tree import ROOT

TABLES = ROOT / "analysis" / "tables"
PLACES = PagePlaces(TABLES, ROOT / "figures" / "out", ROOT / "results" / "page.html")


@pytest.fixture(scope="module")
def whole() -> dict:
    """The committed study."""
    return study(PLACES)


def test_the_answer_is_the_readmes(whole):
    readme = (ROOT / "README.md").read_text()
    first, second = (whole[part]["text"] for part in ("answer", "second"))
    assert first.startswith("3 runs of mutual distillation against 3 of PPO with as many frames: ")
    assert second.startswith("**The second sample**, coinrun (")
    for said in (first, second):
        assert said in readme
        assert said.count("**") == 2  # the page prints what lies between in bold


def test_every_run_of_the_second_sample_is_told_with_its_interval(whole):
    part = whole["second"]
    rows = pd.read_csv(TABLES / "looks_runs.csv", skiprows=1, keep_default_na=False)
    assert [row[0] for row in part["rows"]] == list(rows["run"])
    assert {"over_blind", "over_blind_low", "over_blind_high", "sees"} <= set(part["columns"])
    assert [one["table"] for one in part["sources"]] == ["looks", "looks_runs"]
    assert (PLACES.page.parent / part["figure"]).resolve().is_file()


def test_claims_say_what_their_positive_control_says(whole):
    controls = whole["ledger"]["controls"]["rows"]
    said = {line["decided by"]: line["control"] for line in whole["ledger"]["lines"]}
    for measure, *cells in controls:
        words = said[STANDS_IN.get(measure, measure)]
        assert all(cell in words for cell in cells)
    assert sum(map(bool, said.values())) == len(controls)
    assert said["return on unseen levels"] == ""


def test_maps_of_cka_have_a_figure_for_each_game(whole):
    for link in whole["cka"]["figures"].values():
        assert (PLACES.page.parent / link).resolve().is_file()


def test_every_claim_has_the_ledgers_words_and_the_tables_numbers(whole):
    _, said, controls = ledger.ledger(TABLES)
    part = whole["ledger"]
    assert part["columns"] == list(said.columns)
    for line, words in zip(part["lines"], said.to_dict("records"), strict=True):
        assert {name: line[name] for name in words} == words
        one = line["numbers"]
        if words["decided by"] == ledger.SECOND:
            assert one is None and line["source"]["table"] == "looks"
            continue
        if words["decided by"].startswith(other_claims.SPREAD):
            assert one is None
            drawn = words["claim"] == other_claims.PICTURE  # of its own game no policy is shipped
            assert (PLACES.page.parent / line["figure"]).resolve().is_file() is drawn
            continue
        ends = ledger.written(
            one["effect"], one["low"], one["high"], factor=one["scale"] == "factor"
        )
        assert ends == words["mutual to PPO"]
    assert part["controls"] == {"columns": list(controls), "rows": controls.to_numpy().tolist()}


def test_axes_point_to_what_is_claimed(whole):
    signs = {line["decided by"]: line["numbers"] for line in whole["ledger"]["lines"]}
    assert signs["return on unseen levels"]["sign"] == 1
    assert signs["… its units standardised"]["sign"] == signs["ICC, last layer"]["sign"] == 1
    assert signs["effective rank, last layer"]["sign"] == -1
    assert signs["correlation of how backgrounds move decisions, likewise"]["sign"] == -1


def test_every_source_names_command_and_hash(whole):
    found = whole["contrasts"]["source"]
    content = (TABLES / "contrasts.csv").read_bytes()
    assert found["sha256"] == hashlib.sha256(content).hexdigest()[:16]
    assert found["command"] == "python -m analysis.contrasts"
    assert found["rows"] == len(pd.read_csv(TABLES / "contrasts.csv", skiprows=1))
    assert (PLACES.page.parent / found["link"]).resolve() == TABLES / "contrasts.csv"


def test_links_take_the_address_that_is_given(tmp_path):
    (tmp_path / "a.csv").write_text('# {"schema": "a", "format": 1, "seed": 3}\nx\n1\n2\n')
    places = PagePlaces(
        tmp_path, Path("figures/out"), tmp_path / "p.html", "https://example.org/it/"
    )
    schema = Schema("a", (Column("x", "int", "a number"),), key=("x",), command="a")
    found = source(places, schema)
    assert found["command"] == "python -m a"
    assert found["link"].startswith("https://example.org/it/")
    assert (found["rows"], found["settings"]) == (2, {"seed": 3})
    assert places.figure("onsets") == "https://example.org/it/figures/out/onsets.png"


def test_training_has_probes_rank_and_returns(whole):
    part = whole["training"]
    place = part["columns"].index("measure")
    measures = {row[place] for row in part["rows"]}
    assert {"return", "icc_one_way", "ratio", "probe_background", "effective_rank"} <= measures
    tables = [one["table"] for one in part["sources"]]
    assert tables == ["emergence", "probes_steps", "invariance", "samples"]
    names = ("id", "measure", "layer")
    keys = [tuple(row[part["columns"].index(name)] for name in names) for row in part["rows"]]
    assert len(set(keys)) == len(keys)


def test_every_contrast_has_its_policies(whole):
    part, found = whole["training"], whole["contrasts"]
    there = {
        tuple(row[part["columns"].index(name)] for name in ("game", "method", "measure", "layer"))
        for row in part["rows"]
    }
    asked = {
        tuple(row[found["columns"].index(name)] for name in ("game", side, "measure", "layer"))
        for row in found["rows"]
        for side in ("treatment", "control")
        if row[found["columns"].index("effect")] is not None
    }
    assert asked and asked <= there


def test_other_strengths_are_left_to_their_own_figure(whole):
    found = whole["contrasts"]
    methods = {row[found["columns"].index("treatment")] for row in found["rows"]}
    assert "ppo-l2-bg9" in methods
    assert not {name for name in methods if "-weak" in name or "-strong" in name}


def test_every_method_looks_as_in_the_figures(whole):
    found = methods_of(whole)
    assert found["ppo-bg9"]["colour"] == found["ppo"]["colour"]
    assert found["mutual-bg9"]["narrowed"] == "9"
    style = METHOD_STYLES["mutual"]
    looks = {"colour": style.colour, "marker": style.marker, "dash": [4, 1.3]}
    assert looks.items() <= found["mutual-bg9"].items()
    assert [dash_of(line) for line in ("-", ":")] == [[], [1, 1.65]]
    assert len({one["place"] for one in found.values()}) == len(
        {o["family"] for o in found.values()}
    )


def test_without_tables_every_part_says_what_writes_it(tmp_path):
    places = PagePlaces(tmp_path, tmp_path, tmp_path / "page.html")
    empty = study(places)
    commands = {
        "answer": "analysis.contrasts",
        "second": "analysis.looks",
        "contrasts": "analysis.contrasts",
        "training": "analysis.emergence",
        "cka": "analysis.cka",
        "ledger": "analysis.contrasts",
    }
    for part, command in commands.items():
        assert f"write it with: python -m {command}" in empty[part]["missing"]
    assert all("missing" in one for one in empty["beside"].values())
    assert methods_of(empty)["ppo"]["colour"] == "#0072B2"


def test_a_table_without_the_declared_contrast_is_said(tmp_path):
    rows = pd.read_csv(TABLES / "contrasts.csv", skiprows=1, keep_default_na=False)
    head = (TABLES / "contrasts.csv").read_text().splitlines()[0]
    text = rows.assign(primary=False).to_csv(index=False)
    (tmp_path / "contrasts.csv").write_text(f"{head}\n{text}")
    with pytest.raises(
        UserError, match="expected a row of the declared contrast, got none; measure"
    ):
        answer(PagePlaces(tmp_path, tmp_path, tmp_path / "page.html"))
