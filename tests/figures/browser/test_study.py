"""What the page says of the study: the ledger's words, the table's numbers, or what is missing."""

import hashlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from checkpoints.console import UserError
from figures.browser.sources import Places, source
from figures.browser.study import answer, detail, methods_of, sentence, study, verdict
from figures.kit import ledger
from figures.kit.readme_result import verdict as of_readme
from tests.support.tree import ROOT

TABLES = ROOT / "analysis" / "tables"
PLACES = Places(TABLES, ROOT / "figures" / "out", ROOT / "results" / "page.html")


@pytest.fixture(scope="module")
def whole() -> dict:
    """The committed study."""
    return study(PLACES)


def contrast(**cells: object) -> SimpleNamespace:
    """A declared contrast."""
    usual = {"treatment": "mutual-bg9", "control": "ppo-bg9", "game": "starpilot", "verdict": "ok"}
    numbers = {"effect": 0.8, "low": 0.7, "high": 0.9, "detectable": 0.75}
    runs = {"runs_treatment": 3, "runs_control": 3}
    return SimpleNamespace(**(usual | numbers | runs | cells))


@pytest.mark.parametrize(
    ("cells", "found", "said"),
    [
        ({}, "less", "Mutual distillation makes decisions depend less on the wallpaper than PPO"),
        ({"effect": 2.0, "low": 1.5, "high": 3.0}, "more", "depend more on the wallpaper"),
        ({"effect": 1.1, "high": 1.6}, "open", "It is not decided whether mutual distillation"),
        ({"low": np.nan, "high": np.nan}, "open", "It is not decided whether"),
        ({"effect": np.nan, "low": np.nan, "high": np.nan}, "open", "is not measured yet"),
    ],
)
def test_the_sentence_says_what_the_interval_allows(cells, found, said):
    one = contrast(**cells)
    assert verdict(one) == found
    assert said in sentence(one)


def test_the_detail_has_effect_interval_runs_and_what_could_be_detected():
    said = detail(contrast(effect=1.069, low=0.725, high=1.575, detectable=1.58))
    assert "trained on 9 of its backgrounds" in said
    assert "1.07 times that of PPO (95\u00a0% interval 0.72 to 1.57, 3 and 3 runs)" in said
    assert "below 0.63 or above 1.58" in said
    assert "too few for an interval" in detail(contrast(low=np.nan, high=np.nan))


def test_page_and_readme_agree_on_the_declared_contrast(whole):
    rows = pd.read_csv(TABLES / "contrasts.csv", skiprows=1, keep_default_na=False, na_values=[""])
    decided = "is not decided" not in of_readme(rows)
    assert decided == (whole["answer"]["verdict"] != "open")


def test_every_claim_has_the_ledgers_words_and_the_tables_numbers(whole):
    _, said, controls = ledger.ledger(TABLES)
    lines = whole["ledger"]["lines"]
    assert [line["verdict"] for line in lines] == said["verdict"].tolist()
    for line in lines[: 2 * len(ledger.CLAIMS)]:
        one = line["numbers"]
        words = ledger.written(
            one["effect"], one["low"], one["high"], factor=one["scale"] == "factor"
        )
        assert words == line["mutual to PPO"]
    assert len(whole["ledger"]["controls"]) == len(controls)
    told = [one["told"]["drac-twins"]["said"] for one in whole["ledger"]["controls"]]
    assert told == controls["drac-twins told apart"].tolist()


def test_every_source_names_command_and_hash(whole):
    found = whole["contrasts"]["source"]
    content = (TABLES / "contrasts.csv").read_bytes()
    assert found["sha256"] == hashlib.sha256(content).hexdigest()[:16]
    assert found["command"] == "python -m analysis.contrasts"
    assert found["rows"] == len(pd.read_csv(TABLES / "contrasts.csv", skiprows=1))
    assert (PLACES.page.parent / found["link"]).resolve() == TABLES / "contrasts.csv"


def test_links_take_the_address_that_is_given(tmp_path):
    (tmp_path / "a.csv").write_text('# {"schema": "a", "format": 1, "seed": 3}\nx\n1\n2\n')
    places = Places(tmp_path, Path("figures/out"), tmp_path / "p.html", "https://example.org/it/")
    found = source(places, "a", "python -m a")
    assert found["link"].startswith("https://example.org/it/")
    assert (found["rows"], found["settings"]) == (2, {"seed": 3})
    assert places.figure("gap") == "https://example.org/it/figures/out/gap.png"


def test_training_has_probes_rank_and_returns(whole):
    part = whole["training"]
    place = part["columns"].index("measure")
    measures = {row[place] for row in part["rows"]}
    assert {"return", "icc", "ratio", "probe_background", "effective_rank"} <= measures
    assert [one["table"] for one in part["sources"]] == ["emergence", "probes_steps", "invariance"]


def test_every_method_has_a_colour_and_a_place(whole):
    found = methods_of(whole)
    assert found["ppo-bg9"]["colour"] == found["ppo"]["colour"]
    assert found["mutual-bg9"]["narrowed"] == "9"
    assert len({one["place"] for one in found.values()}) == len(
        {o["family"] for o in found.values()}
    )


def test_without_tables_every_part_says_what_writes_it(tmp_path):
    places = Places(tmp_path, tmp_path, tmp_path / "page.html")
    empty = study(places)
    commands = {
        "answer": "analysis.contrasts",
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
        answer(Places(tmp_path, tmp_path, tmp_path / "page.html"))
