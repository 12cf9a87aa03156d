"""Grids of runs: their order, what a block changes, and what is refused."""

import re
from pathlib import Path

import pytest

from checkpoints.console import UserError
from checkpoints.runs.study import read_study
from checkpoints.world.games import GAMES
from tests.support.tree import ROOT

BLOCK = "games: [coinrun, starpilot], methods: [ppo, mutual], seeds: [0, 1], steps: 1000"


def read(folder: Path, *blocks: str, recipe: str = "{mode: easy, encoder: nature}"):
    lines = [f"recipe: {recipe}", "grid:", *(f"  - {{{block}}}" for block in blocks)]
    (folder / "study.yaml").write_text("\n".join(lines))
    return read_study(folder / "study.yaml")


def test_every_question_is_asked_once_before_it_is_asked_twice(tmp_path: Path):
    found = [str(run.id) for run in read(tmp_path, BLOCK)]
    once = ["coinrun/ppo", "coinrun/mutual", "starpilot/ppo", "starpilot/mutual"]
    assert found == [f"{one}/{seed}" for seed in (0, 1) for one in once]


def test_a_block_changes_settings_and_steps_of_its_own_runs_only(tmp_path: Path):
    other = "games: [maze], methods: [ppo], seeds: [3], steps: 50, recipe: {levels: 20}"
    runs = read(tmp_path, f"{BLOCK}, steps_of: {{mutual: 500}}", other)
    assert {(run.id.method, run.steps) for run in runs[:-1]} == {("ppo", 1000), ("mutual", 500)}
    assert {run.recipe.levels for run in runs[:-1]} == {500} and runs[-1].recipe.levels == 20
    assert {(run.recipe.mode, run.recipe.encoder) for run in runs} == {("easy", "nature")}


def test_a_grid_is_the_list_that_it_stands_for(tmp_path: Path):
    grid = read(tmp_path, BLOCK)
    lines = ["recipe: {mode: easy, encoder: nature}", "runs:"]
    lines += [f"  - {{id: {run.id}, steps: {run.steps}, recipe: {{}}}}" for run in grid]
    (tmp_path / "list.yaml").write_text("\n".join(lines))
    assert read_study(tmp_path / "list.yaml") == grid


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (f"{BLOCK}, color: red", "grid, block 1: Object contains unknown field `color`.*it takes"),
        (BLOCK.replace("steps: 1000", "steps: 0"), r"`int` >= 1 - at `\$.steps`"),
        (BLOCK.replace("seeds: [0, 1]", "seeds: [0, 0]"), "0 stands twice among the seeds"),
        (BLOCK.replace("[0, 1]", "[]"), r"length >= 1 - at `\$.seeds`"),
        (f"{BLOCK}, steps_of: {{drac: 5}}", r"steps_of: expected methods .*, got 'drac'"),
        (BLOCK.replace("starpilot", "pong"), "unknown game 'pong'"),
        (f"{BLOCK}, recipe: {{alpha: 1}}", "'alpha' is decided by the method"),
        (f'{BLOCK}, "\\ud800": 1', "grid, block 1: .*surrogates not allowed; it takes games"),
        (f"{BLOCK}, recipe: {{levels: -1}}", "levels: expected a whole number from 1 to"),
    ],
)
def test_blocks_that_cannot_be_are_refused(block, message, tmp_path: Path):
    with pytest.raises(UserError, match=message):
        read(tmp_path, block)


def test_two_blocks_with_one_run_are_refused(tmp_path: Path):
    with pytest.raises(UserError, match="run 9: coinrun/ppo/0 stands in the list already"):
        read(tmp_path, BLOCK, "games: [coinrun], methods: [ppo], seeds: [0], steps: 1")


@pytest.mark.parametrize("given", ["grid: 3", "grid: []", "grid: {games: [maze]}"])
def test_what_is_no_list_of_blocks_is_refused(given, tmp_path: Path):
    (tmp_path / "study.yaml").write_text(given)
    with pytest.raises(UserError, match="grid: expected a list of blocks, got"):
        read_study(tmp_path / "study.yaml")


def test_more_runs_than_a_study_holds_are_refused_without_being_made(tmp_path: Path):
    many = ", ".join(map(str, range(1000)))
    games, methods = ", ".join(GAMES), ", ".join(f"ppo-bg{n}" for n in range(2, 7))
    with pytest.raises(UserError, match=re.escape("expected at most 10,000 runs")):
        read(tmp_path, f"games: [{games}], methods: [{methods}], seeds: [{many}], steps: 1")


def test_the_study_of_the_papers_size_is_what_it_says():
    runs = read_study(ROOT / "study-paper.yaml")
    assert len(runs) == 16 * 4 * 3 and {run.id.game for run in runs} == set(GAMES)
    assert {run.recipe.encoder for run in runs} == {"impala"}
    assert {run.recipe.mode for run in runs} == {"hard"}
    frames = {run.id.method: run.steps * run.recipe.peers for run in runs}
    assert frames["mutual"] == frames["ppo-norm1"] == 2 * frames["ppo"]
