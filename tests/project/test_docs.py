"""What README and docs say: commands that run, output that is real, links that lead somewhere."""

import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE
from tests.support.tree import ROOT

PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
README = (ROOT / "README.md").read_text()
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"-?\d+\.\d+")
SAME = 0.05
"""By how much a number of the sample may differ on another processor."""


def run(*words: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], cwd=folder, capture_output=True, text=True, timeout=PATIENCE
    )


def commands(text: str) -> list[str]:
    """Lines of blocks that a reader would type to run Python."""
    blocks = [block for language, block in BLOCK.findall(text) if not language]
    lines = "\n".join(blocks).splitlines()
    return [line.partition("#")[0].strip() for line in lines if line.startswith("python -m ")]


COMMANDS = sorted({command for page in PAGES for command in commands(page.read_text())})


def test_the_first_command_prints_what_the_readme_shows(tmp_path):
    sample = README.partition("<!-- sample -->\n```\n")[2].partition("\n```\n")[0]
    (command,) = commands(README)
    done = run(*shlex.split(command)[1:], "--output", str(tmp_path / "results"))
    assert done.returncode == 0, done.stderr
    printed = done.stdout.replace(f"{tmp_path}/", "").rstrip()
    assert NUMBER.sub("…", printed) == NUMBER.sub("…", sample), "put what it prints into README.md"
    found, said = (list(map(float, NUMBER.findall(text))) for text in (printed, sample))
    assert found == pytest.approx(said, abs=SAME) and len(said) > 10


def test_the_lines_of_python_print_what_they_say():
    (program,) = [block for language, block in BLOCK.findall(README) if language == "python"]
    assert len([line for line in program.splitlines() if line]) <= 5
    done = run("-c", program)
    assert done.stdout == "0.8\n", done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_to_be_typed_is_understood(command):
    words = shlex.split(command)[1:]
    asked = run(*words, *([] if "--help" in words else ["--help"]))
    assert asked.returncode == 0, asked.stderr
    known = set(re.findall(r"--[a-z][a-z-]*", asked.stdout))
    assert {word for word in words if word.startswith("--")} <= known


def test_every_make_target_that_is_named_is_there():
    targets = set(re.findall(r"^([a-z.]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    for page in PAGES:
        assert set(re.findall(r"`?\bmake ([a-z.]+)\b(?=[`\n ]*[`#:;\n])", page.read_text())) <= (
            targets | {"a", "it"}
        ), page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page, made):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if target.startswith(("http", "mailto")):
            continue
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        if path.startswith("_made/"):
            names = {one.stem for one in made.iterdir()}
            names |= {one.stem for one in (ROOT / "probes" / "notebooks").glob("*.py")}
            assert Path(path).stem in names, target
            continue
        assert file.exists(), target
        if anchor:
            heads = re.findall(r"^#+ (.*)$", file.read_text(), flags=re.MULTILINE)
            slugs = {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}
            assert anchor in slugs, target


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated pages, without notebooks."""
    folder = tmp_path_factory.mktemp("docs") / "made"
    runpy.run_path(str(ROOT / "docs" / "made.py"))["write"](folder, notebooks=False)
    return folder


def test_the_gallery_shows_every_figure_with_its_command(made):
    from figures.__main__ import NAMES

    text = (made / "gallery.md").read_text()
    for name in NAMES:
        section = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        assert f"python -m figures {name}\n" in section
        assert re.search(r"python -m (analysis|probes)", section), name
        assert "![" in section, name
    shown = set(re.findall(r"!\[[^]]*\]\((.*?)\)", text))
    assert shown == {one.name for one in (ROOT / "figures" / "out").glob("*.png")}


def test_every_function_and_measure_has_its_page(made):
    import twinscope

    text = (made / "functions.md").read_text()
    assert all(f"## twinscope.{name}\n" in text for name in twinscope.FUNCTIONS)
    measures = {one.stem for one in (ROOT / "analysis" / "measures").glob("[a-z]*.py")}
    heads = set(re.findall(r"^## (\w+)$", (made / "measures.md").read_text(), flags=re.MULTILINE))
    assert measures == heads


def test_every_page_is_in_the_contents(made):
    text = (made / "contents.txt").read_text().splitlines()
    pages = {page.stem for page in (ROOT / "docs").glob("*.md")} - {"index"}
    assert pages <= set(text)


def test_every_command_is_listed(made):
    import twinscope

    text = (made / "commands.md").read_text()
    assert all(f"|`python -m {module}`|" in text for module, _ in twinscope.commands().values())
