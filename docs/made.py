"""Pages that are read off the project: commands, figures, functions, notebooks."""

import ast
import shutil
import sys
from hashlib import sha256
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIRST = ("quickstart", "concepts", "howto", "faq", "platforms")
"""Pages in the order in which they are read."""
MEASURES = ROOT / "analysis" / "measures"


def write(folder: Path, *, notebooks: bool) -> None:
    """Write every generated page into a folder, anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "commands.md").write_text(commands())
    (folder / "gallery.md").write_text(gallery(folder))
    (folder / "functions.md").write_text(functions())
    (folder / "measures.md").write_text(measures())
    shutil.copy(ROOT / "figures" / "out" / "claims.md", folder / "claims.md")
    books = sorted((ROOT / "probes" / "notebooks").glob("*.py")) if notebooks else []
    (folder / "contents.txt").write_text(contents([book.stem for book in books]))
    for script in books:
        shutil.copy(executed(script), folder / f"{script.stem}.ipynb")


def contents(books: list[str]) -> str:
    """Every page: those of ``FIRST`` in their order, other pages that are there, what is made."""
    there = sorted({page.stem for page in (ROOT / "docs").glob("*.md")} - {"index", *FIRST})
    made = [f"_made/{name}" for name in ("gallery", "claims", "commands", "functions", "measures")]
    parts = ["```{toctree}", ":maxdepth: 1", *FIRST, *there, *made, "```"]
    if books:
        parts += ["", "```{toctree}", ":caption: Notebooks, executed", ":maxdepth: 1"]
        parts += [*(f"_made/{name}" for name in books), "```"]
    return "\n".join([*parts, ""])


def executed(script: Path) -> Path:
    """The notebook of a script with its outputs; run once, and again when the script changes."""
    import jupytext
    from nbclient import NotebookClient

    digest = sha256(script.read_bytes()).hexdigest()[:12]
    kept = ROOT / ".cache" / "notebooks" / f"{script.stem}-{digest}.ipynb"
    if not kept.exists():
        print(f"running {script.stem}", file=sys.stderr, flush=True)
        notebook = jupytext.read(script)
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        notebook.metadata["language_info"] = {"name": "python"}
        where = {"metadata": {"path": str(ROOT)}}  # banks and twins lie in the clone's cache
        NotebookClient(notebook, kernel_name="python3", timeout=240, resources=where).execute()
        kept.parent.mkdir(parents=True, exist_ok=True)
        jupytext.write(notebook, kept)
    return kept


def commands() -> str:
    """What can be typed, and what it does."""
    import twinscope

    rows = [
        f"|`twinscope {name}`|`python -m {module}`|{what}|"
        for name, (module, what) in sorted(twinscope.commands().items())
    ]
    head = ["# Commands", "", "Each has `--help`, with defaults, units and ranges.", ""]
    tail = [
        "",
        "Completion for bash or zsh: `python -m analysis.cka --tyro-write-completion bash FILE`, "
        "then `source FILE`.",
    ]
    return "\n".join([*head, "|installed|from a clone|what|", "|---|---|---|", *rows, *tail, ""])


def gallery(folder: Path) -> str:
    """Every committed figure, with what it shows and the commands behind it."""
    from figures.__main__ import NAMES

    parts = ["# Gallery", "", "Each figure is drawn from tables, and its rows lie beside it."]
    for name in NAMES:
        module = import_module(f"figures.plots.{name}")
        what = (module.__doc__ or "").strip()
        sources = sorted(
            {one.command for one in vars(module).values() if getattr(one, "command", "")}
        )
        parts += ["", f"## {name}", "", what, "", "```"]
        parts += [f"python -m {command}" for command in sources]
        parts += [f"python -m figures {name}", "```", ""]
        for picture in pictures(name):
            shutil.copy(picture, folder)
            rows = picture.with_suffix(".csv").name
            shutil.copy(picture.with_suffix(".csv"), folder)
            parts += [f"![{picture.stem}]({picture.name})", "", f"Rows: {{download}}`{rows}`", ""]
    return "\n".join(parts)


def pictures(name: str) -> list[Path]:
    """The committed pictures of a figure: ``NAME.png`` and ``NAME-….png``."""
    out = ROOT / "figures" / "out"
    return sorted([*out.glob(f"{name}.png"), *out.glob(f"{name}-*.png")])


def functions() -> str:
    """The functions of ``import twinscope``, from their docstrings."""
    import twinscope

    parts = ["# Functions", "", "`import twinscope` loads nothing; each function loads its own."]
    for name, where in twinscope.FUNCTIONS.items():
        module, _, there = where.partition(":")
        kind = "autoclass" if name[0].isupper() else "autofunction"
        parts += ["", f"## twinscope.{name}", "", "```{eval-rst}"]
        parts += [f".. {kind}:: {module}.{there}", "```"]
    return "\n".join([*parts, ""])


def measures() -> str:
    """What each file of measures says of its formula, source and range."""
    parts = ["# Method notes", "", "From the measures' own docstrings, formulas and sources."]
    for file in sorted(MEASURES.glob("*.py")):
        text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
        if file.stem == "__init__" or not text:
            continue
        parts += ["", f"## {file.stem}", "", "```{eval-rst}", text, "```"]
    return "\n".join([*parts, ""])
