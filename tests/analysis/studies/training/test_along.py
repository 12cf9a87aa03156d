"""Runs measured one by one and joined: the bytes of one process, whatever the order."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from analysis.emergence import Settings as Emergence
from analysis.emergence import main as emergence
from analysis.studies.training import logged_returns
from checkpoints.console import UserError
from checkpoints.doors.reading import short_hash
from checkpoints.runs.folder import mark_failed
from probes.steps import Settings as Steps
from probes.steps import main as steps
from tests.support.followed import part_names, pretend_runs, study_file

FEW = {"states": 48, "backgrounds": 4, "saliency_states": 6, "replicates": 20}
COMMANDS = {
    "emergence": (emergence, Emergence, FEW),
    "probes": (steps, Steps, {"states": 120, "replicates": 20, "untrained": 1}),
}
Call = Callable[..., dict[str, bytes]]


@pytest.fixture(scope="module", autouse=True)
def place(tmp_path_factory: pytest.TempPathFactory):
    """A folder to work in, so that banks and twins are drawn once."""
    folder = tmp_path_factory.mktemp("along")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(logged_returns, "EPISODES", 8)
        yield folder


@pytest.fixture(params=COMMANDS)
def call(request, tmp_path) -> Call:
    """Runs a command and returns the tables that it wrote."""
    main, kind, few = COMMANDS[request.param]

    def run(output: str = "", **settings: Any) -> dict[str, bytes]:
        main(kind(**few, **settings, output=tmp_path / output))
        return {path.name: path.read_bytes() for path in (tmp_path / output).glob("*.csv")}

    return run


def test_parts_joined_are_one_process_to_the_byte(call, tmp_path):
    study = study_file(tmp_path)
    places = {"study": study, "root": pretend_runs(study, tmp_path / "runs")}
    plain = call("plain", root=places["root"])
    parts = {**places, "parts": tmp_path / "parts"}
    names = part_names(study)
    assert names[0] == "chaser/untrained/nature-8" and "leaper/untrained/impala-8" in names
    for some in (names[::2][::-1], names[1::2]):
        call("none", ids=tuple(some), **parts)
    joined = call("joined", **parts)
    noted = f'"study": "{short_hash(study)}", '.encode()
    assert len(plain) == 2 and all(noted in table for table in joined.values())
    assert plain == {name: table.replace(noted, b"") for name, table in joined.items()}


@pytest.mark.parametrize("call", ["emergence"], indirect=True)
def test_a_run_without_a_kept_step_has_a_row_that_says_so(call, tmp_path):
    study = study_file(tmp_path)
    lost = "leaper/mutual/0", "chaser/ppo/0"
    root = pretend_runs(study, tmp_path / "runs", but=lost)
    mark_failed(root / lost[0], "peer 0 diverged at step 64: loss not finite")
    mark_failed(root / "leaper/ppo/1", "a bug")
    parts = {"study": study, "root": root, "parts": tmp_path / "parts"}
    call("none", ids=tuple(part_names(study)), **parts)
    joined = call("joined", **parts)
    assert joined == call("one", study=study, root=root)
    (onsets,) = (tmp_path / "joined").glob("*onsets.csv")
    rows = pd.read_csv(onsets, comment="#")
    rows = rows[rows["scope"] != "method"].set_index("id")["verdict"]
    assert (rows[lost[0]], rows[lost[1]]) == ("failed", "nothing kept")
    assert set(rows["leaper/ppo/1/peer0"]) == {"failed"}
    assert "failed" not in set(rows["leaper/ppo-bg4/0/peer0"])
    header = onsets.read_text().partition("\n")[0]
    assert "peer 0 diverged at step 64" in header and "a bug" in header


@pytest.mark.parametrize("call", ["emergence"], indirect=True)
def test_what_is_asked_must_be_of_the_study(call, tmp_path):
    study = study_file(tmp_path)
    given = {"study": study, "root": tmp_path, "parts": tmp_path / "parts"}
    with pytest.raises(UserError, match=r"expected kept policies under .*; give another --root"):
        call(**given)
    with pytest.raises(UserError, match=r"unknown part of .*study.yaml 'leaper/ppo/7'"):
        call(**given, ids=("leaper/ppo/7",))
    with pytest.raises(UserError, match=r"expected no ids beside it.*leave them out"):
        call(study=study, ids=("leaper/ppo/1",))
    with pytest.raises(UserError, match="--parts: expected --study beside it"):
        call(parts=tmp_path)
    with pytest.raises(UserError, match="expected its runs alone, got --policy too"):
        call(study=study, policy=("mine.py:make",))
