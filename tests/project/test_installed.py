"""Installed from a wheel, in a folder with another package called ``analysis``; without Procgen."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.support.patience import PATIENCE
from tests.support.planted_world import write_policy, write_world
from tests.support.tree import ROOT

PACKED = ("analysis", "checkpoints", "figures", "probes", "twinscope.py", "pyproject.toml")
PACKED += ("README.md", "LICENSE", "study.yaml", "study-second.yaml")
HIDDEN = """
import runpy, sys

class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("procgen", "gym3"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hide())
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
"""Runs a command where Procgen cannot be imported."""


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """What a wheel of this tree holds, unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    left = shutil.ignore_patterns("__pycache__", "node_modules", ".*")
    (folder / "tree").mkdir()
    for name in PACKED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / "tree" / name, ignore=left)
        else:
            shutil.copy(ROOT / name, folder / "tree" / name)
    build = ("-m", "pip", "wheel", "--no-index", "--no-deps", "--no-build-isolation")
    done = subprocess.run(
        [sys.executable, *build, "-w", "dist", "./tree"], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next((folder / "dist").glob("*.whl"))) as wheel:
        wheel.extractall(folder / "site")
    return folder / "site"


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A folder that holds nothing but another package called analysis."""
    (tmp_path / "analysis").mkdir()
    (tmp_path / "analysis" / "__init__.py").write_text("raise SystemExit('the wrong package')\n")
    return tmp_path


def run(site: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command ``twinscope``, as its script starts it: without the folder one is in."""
    return subprocess.run(
        [sys.executable, "-P", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(site), "OMP_NUM_THREADS": "1", "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


@pytest.mark.slow
def test_what_is_shipped_is_found(site: Path, empty: Path):
    for arguments, written in (
        (("figures", "curves"), "results/figures/curves.pdf"),
        (("figures.claims",), "results/figures/claims.md"),
        (("figures.latex", "contrasts", "--rows", "layer=hidden"), "results/paper/contrasts.tex"),
        (("curves", "--output=~/out"), "out/curves.csv"),
    ):
        done = run(site, empty, "-m", "twinscope", *arguments)
        assert done.returncode == 0 and (empty / written).exists(), done.stderr
    assert not (empty / "~").exists()
    told = run(site, empty, "-m", "twinscope", "contrasts", "--help").stdout
    for name in ("study.yaml", "study-second.yaml"):
        packed = site / "checkpoints" / "runs" / name
        assert packed.read_bytes() == (ROOT / name).read_bytes()
    assert "site/checkpoints/runs/study.yaml" in "".join(told.split()).replace("│", "")


@pytest.mark.slow
def test_contrasts_come_to_their_end_where_the_reader_leaves(site: Path, empty: Path):
    reader = "import subprocess, sys; one = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE);"
    reader += "one.stdout.readline(); one.stdout.close(); sys.exit(one.wait())"
    command = (sys.executable, "-P", "-m", "twinscope", "contrasts", "--output", "gone")
    done = run(site, empty, "-c", reader, *command)
    assert done.returncode == 0, done.stderr
    lines = (empty / "gone" / "contrasts.csv").read_text().splitlines()
    shipped = (ROOT / "analysis" / "tables" / "contrasts.csv").read_text().splitlines()
    assert len(lines) == len(shipped) and lines[1] == shipped[1]


@pytest.mark.slow
def test_what_is_wrong_is_one_line(site: Path, empty: Path):
    (empty / "a-file").touch()
    (empty / "there.pt").write_text("no weights")
    for arguments, told in (
        (("figures", "curves", "--output", "a-file"), "expected a folder that can be written, but"),
        (("cka", "none.pt"), "become policies with: python -m checkpoints.convert none.pt"),
        (("cka", "there.pt"), "become policies with: python -m checkpoints.convert there.pt"),
    ):
        done = run(site, empty, "-m", "twinscope", *arguments)
        assert done.returncode == 2 and done.stderr.splitlines()[-1].startswith("error: ")
        assert told in done.stderr and "Traceback" not in done.stderr


@pytest.mark.slow
def test_without_procgen_what_plays_no_game_works_and_the_rest_says_so(tmp_path: Path):
    rng = np.random.default_rng(0)
    for name in "ab":
        np.save(tmp_path / f"{name}.npy", rng.normal(size=(40, 3, 4)))
        np.save(tmp_path / f"{name}2.npy", rng.normal(size=(40, 4)))
    np.save(tmp_path / "y.npy", rng.normal(size=40))
    world, own = write_world(tmp_path / "world.npz"), write_policy(tmp_path)
    for arguments in (
        ("analysis.cka", "a2.npy", "b2.npy", "--levels", "each"),
        ("analysis.similarity", "a2.npy", "b2.npy"),
        ("analysis.invariance", "a.npy"),
        ("probes", "a2.npy", "--factor", "y.npy"),
        ("analysis.cka", "--world", str(world), "--policy", f"{own}:sees", "--states", "40"),
        ("analysis.curves",),
        ("figures", "curves"),
        ("checkpoints",),
    ):
        done = run(ROOT, tmp_path, "-c", HIDDEN, *arguments)
        assert done.returncode == 0, (arguments, done.stderr)
    policies = ("coinrun/ppo/0", "coinrun/mutual/0", "--output", "other")
    done = run(ROOT, tmp_path, "-c", HIDDEN, "analysis.cka", *policies)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "error: " in done.stderr.splitlines()[-1] and "procgen" in done.stderr.lower()
