"""Logs of runs: read as training wrote them, or refused in words."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.records.logs import MEASURED, read_log
from checkpoints.console import UserError
from tests.support.hostile_files import changed_bytes
from tests.support.tree import ROOT

INPUTS = 200
LOG = ROOT / "checkpoints/zoo/coinrun/ppo/0/progress.csv"
CELLS = ("abc", "1,5", '"', "", "nan", "inf", "-1", "1e99", "9" * 5000, "٣", "0x1")


def test_a_log_is_what_pandas_reads():
    found, other = read_log(LOG), pd.read_csv(LOG)
    assert (found["step"] == other["step"]).all() and (found["peer"] == other["peer"]).all()
    for name in MEASURED:
        # What this run did not log is nowhere known.
        expected = other.get(name, np.full(len(other), np.nan))
        np.testing.assert_allclose(found[name], expected, rtol=1e-12)


def test_changed_logs_are_refused_or_sound(tmp_path: Path):
    path, rng, refused = tmp_path / "progress.csv", np.random.default_rng(0), 0
    lines = LOG.read_text().split("\n")[:8]
    for place in range(INPUTS):
        if place % 2:
            path.write_bytes(changed_bytes("\n".join(lines).encode(), rng, head=500))
        else:
            row = int(rng.integers(len(lines)))
            cells = lines[row].split(",")
            cells[rng.integers(len(cells))] = CELLS[rng.integers(len(CELLS))]
            path.write_text("\n".join([*lines[:row], ",".join(cells), *lines[row + 1 :]]))
        try:
            found = read_log(path)
        except UserError:
            refused += 1
            continue
        assert list(found) == ["step", "peer", *MEASURED] and (found["step"] >= 0).all()
    assert 0.3 * INPUTS < refused < INPUTS, refused


def test_what_a_run_does_not_log_is_missing(tmp_path: Path):
    path = tmp_path / "progress.csv"
    path.write_text("step,peer,train_return,train_episodes\n64,0,nan,0\n")
    assert read_log(path)["unseen_return"].isna().all()
    path.write_text("steps,peer\n64,0\n")
    with pytest.raises(UserError, match=r"expected rows with a step, got \['steps', 'peer'\]"):
        read_log(path)
    path.write_text("step,peer\n64,99\n")
    with pytest.raises(UserError, match=r"row 1, column 'peer': expected a number, got '99'"):
        read_log(path)
