"""The README's result comes from the committed tables, and follows them."""

import re
from pathlib import Path

import pandas as pd
import pytest

from analysis.studies.contrasts.rows import contrast_rows
from analysis.studies.contrasts.sources import beside_of
from checkpoints.console import UserError
from checkpoints.runs.study import read_study
from figures.kit.readme_result import BEGIN, END, block, replaced
from figures.readme import Settings, main
from tests.support import toy_tables
from tests.support.planted_runs import STEPS, planted, untrained, values_of, varied
from tests.support.tree import ROOT

PLAN = read_study(ROOT / "study.yaml")


def tables(folder: Path, values: pd.DataFrame) -> Path:
    toy_tables.write(values.to_dict("records"), folder, "emergence")
    toy_tables.write(toy_tables.looks(), folder, "looks")
    toy_tables.write(
        contrast_rows(values, PLAN, beside_of(values)).to_dict("records"), folder, "contrasts"
    )
    return folder


def test_the_readme_says_what_the_committed_tables_hold():
    text = (ROOT / "README.md").read_text()
    same = replaced(text, block(ROOT / "analysis" / "tables"), Path("README.md")) == text
    assert same, "run: python -m figures.readme"


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (0.4, "mutual distillation makes decisions hang less on the background"),
        (2.5, "mutual distillation makes decisions hang more on the background"),
        (1.0, "**By this exploratory sample: not decided**; a factor of"),
    ],
)
def test_the_verdict_follows_the_interval(tmp_path, factor, words):
    found = block(tables(tmp_path, planted(factor)))
    assert words in found
    assert found.startswith("3 runs of mutual distillation against 3 of PPO with as many frames:")
    assert re.search(r"which alone would be invariance, is × \d\.\d\d \[", found)
    waits = "not reached: waits for the pair of seed 102."
    where = "coinrun (2 of 6 pairs of runs at look 1; 0 and 0 see)"
    assert f"**The second sample**, {where}: {waits}" in found
    assert (
        "**What would change this**: on coinrun, where each run holds out its own backgrounds"
        in found
    )
    title = "Starpilot, 9 training backgrounds; twins on unseen backgrounds, states on all, "
    assert f"{title}15 actions apart:" in found


def test_a_line_for_each_method_and_step(tmp_path):
    lines = [line for line in block(tables(tmp_path, planted(0.5))).splitlines() if "|" in line]
    assert [line.split("|")[1].strip() for line in lines[2:]] == [
        "ppo",
        "ppo, 4.2 M",
        "mutual",
        "untrained",
    ]
    cells = lines[-2].split("|")
    assert cells[2] == "3/?" and cells[-3].startswith("0.50 [")


def test_runs_that_see_are_counted_where_that_was_measured(tmp_path):
    values = planted(0.5)
    at_end = values[values["measure"].eq("return") & values["step"].eq(2**21)]
    over = at_end.assign(measure="return_over_blind", value=3.0, low=2.0, high=4.0)
    blind = over["id"].str.contains("mutual-bg9/2/peer1")
    over.loc[blind, ["value", "low"]] = 0.5, -0.5
    found = block(tables(tmp_path, pd.concat([values, over])))
    counted = [line.split("|")[1:3] for line in found.splitlines() if line.startswith("|")]
    assert [cell[1] for cell in counted[2:5]] == ["3/3", "3/?", "3/2"]


def test_untrained_networks_stand_beside_what_was_trained(tmp_path):
    values = planted(0.5)
    starts = [row for row in untrained("starpilot") if row["measure"] == "return"]
    found = block(tables(tmp_path, values)).splitlines()
    [cells] = [line.split("|") for line in found if line.startswith("|untrained|")]
    assert cells[2] == str(len(starts))
    assert cells[3] == f"{sum(row['value'] for row in starts) / len(starts):.2f}"
    assert cells[4:] == ["–", "–", "", "", ""]


def test_single_runs_have_no_line_and_no_factor(tmp_path):
    values = planted()
    found = block(tables(tmp_path, values[~values["id"].str.contains(r"mutual-bg9/[12]")]))
    assert "**Not decided**: one run on a side: nothing over runs." in found
    assert not re.search(r"^\|mutual", found, flags=re.MULTILINE)
    assert "Single runs: mutual." in found


def test_other_games_have_a_sentence_where_runs_allow_it(tmp_path):
    more = [row for seed in (0, 1) for row in values_of(f"coinrun/ppo/{seed}", STEPS)]
    more += untrained("coinrun")
    found = {}
    for seeds in (1, 2):
        runs = [
            row
            for seed in range(seeds)
            for row in values_of(f"coinrun/mutual/{seed}", STEPS, 2, ratio_unseen=0.5 + seed / 9)
        ]
        folder = tmp_path / str(seeds)
        folder.mkdir()
        found[seeds] = block(tables(folder, pd.concat([planted(), pd.DataFrame(more + runs)])))
    assert "elsewhere" not in found[1]
    assert re.search(r"elsewhere: coinrun, unseen: mutual 1\.\d\d \[", found[2])


def test_strengths_swept_are_left_to_their_figure(tmp_path):
    runs = [
        row
        for name in ("ppo-l2", "ppo-l2-strong")
        for row in values_of(f"starpilot/{name}-bg9/0", STEPS)
    ]
    among = block(tables(tmp_path, pd.concat([planted(), pd.DataFrame(runs)])))
    elsewhere = block(tables(tmp_path, varied()))
    assert "ppo-l2" in among
    assert not re.search("weak|strong", among + elsewhere)


def test_only_the_section_is_replaced(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nwhat was there\n{END}\nafter\n")
    main(Settings(tables(tmp_path, planted()), readme))
    text = readme.read_text()
    assert text.startswith(f"before\n{BEGIN}\n3 runs of") and text.endswith(f"{END}\nafter\n")
    assert "what was there" not in text
    main(Settings(tmp_path, readme))
    unchanged = readme.read_text() == text
    assert unchanged


def test_a_readme_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "README.md").write_bytes(b"\xff")
    with pytest.raises(UserError, match=r"a README in UTF-8, but .*invalid start byte"):
        main(Settings(tmp_path, tmp_path / "README.md"))


@pytest.mark.parametrize("text", ["nothing", f"{END}\n{BEGIN}", f"{BEGIN}{END}{BEGIN}"])
def test_a_readme_without_its_marks_is_refused(text):
    with pytest.raises(UserError, match="once each and in this order"):
        replaced(text, "", Path("README.md"))
