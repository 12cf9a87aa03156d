"""The committed front end is what its sources build, and its files are small."""

import shutil
import subprocess

import pytest

from figures.browser.slots import APP
from tests.support.node import NODE, needs_node
from tests.support.patience import PATIENCE

FRONT = APP.parent
SOURCES = sorted(path for path in (FRONT / "src").rglob("*") if path.is_file())


@needs_node
def test_a_rebuild_equals_the_committed_file(tmp_path):
    if not (FRONT / "node_modules").is_dir():
        pytest.skip("the page's parts are missing: npm ci --prefix figures/browser/front")
    built = tmp_path / "app.html"
    subprocess.run([str(NODE), FRONT / "build.mjs", built], check=True, timeout=PATIENCE)
    assert built.read_bytes() == APP.read_bytes()


def test_another_source_would_build_another_file(tmp_path):
    if NODE is None or not (FRONT / "node_modules").is_dir():
        pytest.skip("Node or the page's parts are missing: npm ci --prefix figures/browser/front")
    copy = tmp_path / "front"
    shutil.copytree(FRONT, copy, ignore=shutil.ignore_patterns("node_modules"))
    (copy / "node_modules").symlink_to(FRONT / "node_modules")
    words = copy / "src" / "words.js"
    words.write_text(words.read_text().replace('"–"', '"?"'))
    subprocess.run([str(NODE), copy / "build.mjs"], check=True, timeout=PATIENCE)
    assert (copy / "app.html").read_bytes() != APP.read_bytes()


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(FRONT)))
def test_sources_are_small(file):
    assert len(file.read_text().splitlines()) <= 300
