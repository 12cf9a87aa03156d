"""Tables and numbers for LaTeX; and a paper whose every number is a macro, compiled."""

import re
import subprocess
from pathlib import Path
from shutil import copy, which

import pandas as pd
import pytest

from checkpoints.console import UserError
from figures.__main__ import Settings as Figures
from figures.__main__ import main as draw
from figures.kit.latex import escaped, macro, tabular
from figures.kit.numbers import numbers, short_names
from figures.kit.plain import read_plain
from figures.kit.readme_result import BEGIN, END
from figures.kit.typeset import LONG
from figures.latex import Settings, main
from tests.support.patience import PATIENCE
from tests.support.tree import ROOT

TABLES = ROOT / "analysis" / "tables"
PAPER = ROOT / "examples" / "paper" / "paper.tex"
ASKED = "game=starpilot,treatment=mutual-bg9,control=ppo-bg9,match=frames"
MISSING_PACKAGES = (
    which("pdflatex") is None
    or not subprocess.run(["kpsewhich", "siunitx.sty"], capture_output=True).stdout
)


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables and numbers that the example paper reads."""
    folder = tmp_path_factory.mktemp("paper")
    main(Settings(names=("samples_peers",), tables=TABLES, output=folder))
    columns = "measure,layer,value_treatment,value_control,effect"
    some = Settings(names=("contrasts",), rows=ASKED, columns=columns, output=folder)
    main(Settings(**vars(some) | {"tables": TABLES, "overwrite": True}))
    return folder


def compiled(folder: Path, name: str) -> str:
    """The log of LaTeX; the test fails where it does."""
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout[-2000:]
    return done.stdout


# -- tables ----------------------------------------------------------------------------------


def test_an_estimate_has_its_interval_beside_it():
    rows = pd.DataFrame(
        {"game": "coinrun", "layer": ["a_b", "c"], "cka": [0.51234, 0.7], "n": [3, 40]}
    ).assign(cka_low=[0.4, float("nan")], cka_high=[0.6, float("nan")])
    text = tabular(rows, "CKA", "tab:cka")
    assert r"\caption{CKA (game coinrun)}\label{tab:cka}" in text
    assert r"a\_b & 0.51 & [\num{0.40}, \num{0.60}] & 3 \\" in text
    assert r"c & 0.700 &  & 40 \\" in text
    assert "{@{}l S[table-format=1.3] l S[table-format=2.0]@{}}" in text


def test_no_sign_is_left_that_latex_would_obey():
    assert escaped("50% of a_b & {c} ÷ 2") == r"50\% of a\_b \& \{c\} $\div$ 2"


def test_rows_and_columns_are_chosen(kit):
    text = (kit / "contrasts.tex").read_text()
    assert r"{measure} & {layer} & {value\_treatment} & {value\_control} & {effect} & " in text
    frame = read_plain(TABLES / "contrasts.csv")
    for part in ASKED.split(","):
        name, value = part.split("=")
        frame = frame[frame[name] == value]
    assert len(re.findall(r"\\\\$", text, flags=re.MULTILINE)) == len(frame) + 3


def test_short_tables_are_set_unasked_and_long_ones_named(tmp_path, capsys):
    main(Settings(tables=TABLES, output=tmp_path))
    lengths = {path.stem: len(read_plain(path)) for path in TABLES.glob("*.csv")}
    short = {name for name, length in lengths.items() if length <= LONG}
    assert {path.stem for path in tmp_path.iterdir()} == short | {"numbers"}
    left = re.findall(r"left out: (\w+) has", capsys.readouterr().err)
    assert set(left) == set(lengths) - short


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"names": ("ckaa",)}, "unknown table 'ckaa'.*Did you mean 'cka'"),
        ({"names": ("cka",), "rows": "gaem=x"}, "unknown column 'gaem'.*Did you mean 'game'"),
        ({"names": ("cka",), "rows": "game=chess"}, "expected rows with game=chess, got none"),
        ({"names": ("cka",), "columns": "ckaa"}, "unknown column 'ckaa'.*Did you mean 'cka'"),
    ],
)
def test_what_is_not_there_is_named(tmp_path, given, message):
    with pytest.raises(UserError, match=message):
        main(Settings(tables=TABLES, output=tmp_path, **given))


def test_numbers_that_have_no_table_yet_are_left_out(tmp_path, capsys):
    copy(TABLES / "looks.csv", tmp_path)
    main(Settings(tables=tmp_path, output=tmp_path / "out"))
    assert "left out: numbers.tex: expected a table at" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["looks.tex"]


# -- numbers ---------------------------------------------------------------------------------


def test_names_are_letters_only():
    assert macro(["starpilot", "ppo-bg9", "tv_unseen"]) == "starpilotPpoBgNineTvUnseen"
    found = numbers(TABLES)
    assert all(re.fullmatch("[a-zA-Z]+", number.name) for number in found)
    assert len({number.name for number in found}) == len(found)


def test_a_macro_says_what_its_row_says():
    rows = read_plain(TABLES / "contrasts.csv")
    (row,) = rows[rows["primary"]].to_dict("records")
    full = short_names(TABLES, numbers(TABLES))["declaredRatioUnseenDecisionsEffect"]
    (number,) = [one for one in numbers(TABLES) if one.name == full]
    assert number.source.startswith("contrasts.csv: game=starpilot treatment=mutual-bg9")
    assert number.source.endswith("measure=ratio_unseen layer=decisions, effect")
    value = float(number.text.removeprefix(r"\num{").removesuffix("}"))
    assert value == pytest.approx(row["effect"], abs=(row["high"] - row["low"]) / 20)


def test_every_cell_of_the_readmes_table_is_a_macro():
    text = (ROOT / "README.md").read_text().partition(BEGIN)[2].partition(END)[0]
    lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    rows = [line for line in lines[2:] if line[0] not in ("untrained",)]
    found = {number.name: number.text for number in numbers(TABLES)}
    assert len(rows) > 3
    measures = ("ReturnEpisodes", "TvBetweenDecisions", "RatioUnseenDecisions")
    for method, runs, *cells in rows:
        name, _, millions = method.partition(", ")
        start = macro(["starpilot", f"{name}-bg9", f"at {millions or '2.1 M'}"])
        assert found[f"{start}Runs"] == rf"\num{{{runs.split('/')[0]}}}"
        for measure, cell in zip(measures, cells, strict=False):
            assert found[f"{start}Mean{measure}"] == rf"\num{{{cell}}}", method
    untrained = next(line for line in lines if line[0] == "untrained")
    for measure, cell in zip(measures[:2], untrained[2:], strict=False):
        assert found[f"starpilotUntrainedMean{measure}"] == rf"\num{{{cell}}}"


def test_the_picture_has_its_runs_as_macros_and_no_quotient_of_a_single_one():
    ledger = (ROOT / "figures" / "out" / "claims.md").read_text()
    (row,) = [line for line in ledger.splitlines() if "t-SNE picture)" in line]
    found = {one.name: one for one in numbers(TABLES) if "Picture" in one.name}
    runs = [found[f"starpilotPictureRuns{name}"] for name in ("Mutual", "Ppo")]
    counts = [one.text.removeprefix(r"\num{").removesuffix("}") for one in runs]
    assert f"|{' and '.join(counts)}|" in row and runs[0].source.startswith("embedding_scores.csv")
    assert ("starpilotPictureSpread" in found) == (min(map(int, counts)) > 1)


def prose(text: str) -> str:
    """What a reader of the paper reads: without preamble, comments, commands and their files."""
    body = text.partition(r"\begin{document}")[2]
    body = re.sub(r"(?<!\\)%.*", "", body)
    return re.sub(r"\\(input|includegraphics|label|ref)\{[^}]*\}", "", body)


def test_every_number_of_the_paper_is_a_macro_that_is_there(kit):
    text = PAPER.read_text()
    assert re.findall(r"\d", prose(text)) == []
    assert re.findall(r"\d", prose(r"\begin{document} 3 runs \ref{fig:1} % 4")) == ["3"]
    known = set(re.findall(r"\\newcommand\{\\(\w+)\}", (kit / "numbers.tex").read_text()))
    used = set(re.findall(r"\\((?:declared|peers|secondSample|interval)[A-Z]\w*)", text))
    assert used and used <= known


@pytest.mark.skipif(MISSING_PACKAGES, reason="LaTeX with siunitx is not installed")
def test_the_paper_compiles(kit):
    copy(PAPER, kit)
    for name, width in (("invariance", 3.25), ("contrasts", 6.75)):
        draw(Figures(names=(name,), tables=TABLES, output=kit, width=width, format="pdf"))
    compiled(kit, PAPER.name)
    log = compiled(kit, PAPER.name)
    assert "undefined" not in log
    assert not re.search(r"Overfull .hbox \(\d\d", log), "something is wider than its column"
    assert "There were" not in log


@pytest.mark.skipif(MISSING_PACKAGES, reason="LaTeX with siunitx is not installed")
def test_every_table_compiles(tmp_path):
    names = sorted(path.stem for path in TABLES.glob("*.csv"))
    for name in names:
        text = tabular(read_plain(TABLES / f"{name}.csv").head(30), name, f"tab:{name}")
        (tmp_path / f"{name}.tex").write_text(text)
    body = "\n".join(rf"\input{{{name}}}" for name in names)
    packages = r"\usepackage{booktabs,longtable,siunitx}"
    whole = rf"\documentclass{{article}}{packages}\begin{{document}}{body}\end{{document}}"
    (tmp_path / "all.tex").write_text(whole)
    compiled(tmp_path, "all.tex")
