"""``python -m checkpoints``: what is listed, what is marked, and what is refused."""

import pytest

from checkpoints.__main__ import Settings, main
from checkpoints.console import UserError
from checkpoints.policy.shipped import SHIPPED, SURVEYED
from tests.support.saved import NAME, saved


def listed(capsys: pytest.CaptureFixture[str], settings: Settings) -> dict[str, str]:
    """Policy -> whether it is marked."""
    main(settings)
    cells = [line.split("│") for line in capsys.readouterr().out.splitlines() if "/step" in line]
    return {row[1].strip(): row[2].strip() for row in cells}


def test_what_is_taken_where_nothing_is_named_is_marked(capsys):
    marked = listed(capsys, Settings())
    runs = {name.partition("/peer")[0]: mark for name, mark in marked.items()}
    assert runs == {name: "yes" if name in SURVEYED else "" for name in SHIPPED}


def test_all_are_taken_of_another_folder(capsys, tmp_path):
    saved(tmp_path)
    assert listed(capsys, Settings(root=tmp_path)) == {NAME: "yes"}
    assert listed(capsys, Settings(ids=("starpilot/ppo/0",), root=tmp_path)) == {NAME: "yes"}


def test_what_is_not_there_is_refused(tmp_path):
    nowhere = tmp_path / "nowhere"
    message = f"expected a folder of kept policies, found none under {nowhere}; train one with"
    with pytest.raises(UserError, match=message):
        main(Settings(root=nowhere))
    with pytest.raises(UserError, match=r"no policy 'starpilot/ppo/9' .*; there are: .* Train it"):
        main(Settings(ids=("starpilot/ppo/9",)))
    message = "no policy 'starpilot/untrained/0' under .*: untrained .* made.* with --untrained"
    with pytest.raises(UserError, match=message) as told:
        main(Settings(ids=("starpilot/untrained/0",)))
    assert "checkpoints.train" not in str(told.value)
