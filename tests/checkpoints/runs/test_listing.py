"""One line a run: its own rate where it is trained, whatever machine asks."""

import pytest

from checkpoints.runs import listing
from checkpoints.runs.listing import Rates, iteration_seconds, show
from checkpoints.runs.queue import look
from checkpoints.runs.study import read_study
from tests.support.queued import STUDY, save

NAMES = "step,peer,train_return,seconds"


def write_log(folder, rows: list[tuple[int, int, float]], names: str = NAMES) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{step},{peer},nan,{seconds}" for step, peer, seconds in rows]
    (folder / "progress.csv").write_text("\n".join([names, *lines]) + "\n")


def test_the_rate_is_that_of_the_last_iterations_and_of_all_peers(tmp_path):
    old = [(64 * k, peer, 100.0 + peer) for k in range(1, 50) for peer in (0, 1)]
    new = [(64 * k, peer, (3.0, 4.0)[peer]) for k in range(50, 70) for peer in (0, 1)]
    write_log(tmp_path, old + new)
    assert iteration_seconds(tmp_path) == 4.0


def test_of_a_long_log_the_end_is_read(tmp_path, monkeypatch):
    write_log(tmp_path, [(64 * k, 0, 2.0 if k > 900 else 50.0) for k in range(1, 1000)])
    monkeypatch.setattr(listing, "_TAIL", 500)
    assert iteration_seconds(tmp_path) == 2.0


@pytest.mark.parametrize("names", ["step,peer,train_return,other", "", "seconds"])
def test_a_log_that_says_nothing_is_no_rate(tmp_path, names):
    assert iteration_seconds(tmp_path) is None
    write_log(tmp_path, [(64, 0, 2.0)], names)
    assert iteration_seconds(tmp_path) is None
    (tmp_path / "progress.csv").write_bytes(b"step,seconds\n\xff\xfe,1\n")
    assert iteration_seconds(tmp_path) is None


def test_a_line_says_steps_rate_time_left_and_state(tmp_path, capsys, monkeypatch):
    (tmp_path / "study.yaml").write_text(STUDY)
    study = read_study(tmp_path / "study.yaml")
    monkeypatch.setattr(Rates, "_here", lambda self, run: run.recipe.cost / 60)
    save(tmp_path / "coinrun/ppo/0", 1, study[0].recipe)
    write_log(tmp_path / "coinrun/ppo/0", [(64, 0, 4.0)])
    show(look(study, tmp_path), tmp_path, threads=1)
    lines = {
        line.split()[1]: line.split()
        for line in capsys.readouterr().out.splitlines()
        if "/" in line[:12]
    }
    row = ["coinrun/ppo/0", "64", "128", "16", "0:00:04", "partial"]
    assert [cell for cell in lines["coinrun/ppo/0"] if cell != "│"] == row
    assert "0:02:00" in lines["coinrun/ppo/1"] and "–" in lines["coinrun/ppo/1"]
