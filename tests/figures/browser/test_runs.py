"""Which rows of a run the page shows, and where it draws a mean over runs."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.node import ask, needs_node

pytestmark = needs_node
SCRIPT = Path(__file__).with_name("runs.mjs")
BUTTONS, ACTIONS = "actions merged that do the same", "all 15 actions apart"


def rows_of(layer: str, *policies: str, theirs: str = "") -> list[dict[str, Any]]:
    """Rows of ``method/seed/peer/step``."""
    found = []
    for policy in policies:
        method, seed, peer, step = policy.split("/")
        row = {"method": method, "seed": int(seed), "peer": int(peer), "step": int(step)}
        found.append({**row, "layer": layer, **({"theirs": theirs} if theirs else {})})
    return found


def asked(folder: Path, buttons: list, actions: list) -> dict[str, Any]:
    """What the page makes of rows of both layers."""
    return ask(SCRIPT, {"buttons": buttons, "actions": actions}, folder)


def test_buttons_are_shown_of_runs_that_have_them_all_along(tmp_path):
    old = rows_of("decisions", "ppo/0/0/8", "ppo/0/0/9")
    new = rows_of("decisions", "ppo/1/0/8", "ppo/1/0/9")
    merged = rows_of("buttons", "ppo/0/0/9", "ppo/1/0/8", "ppo/1/0/9")
    found = asked(tmp_path, merged, [*old, *new])
    assert found["shown"] == [*old, *rows_of("buttons", "ppo/1/0/8", "ppo/1/0/9")]
    assert found["counted"] == f"{BUTTONS}; of other runs {ACTIONS}"
    assert not found["several"]  # two runs, measured otherwise
    assert asked(tmp_path, merged, [])["counted"] == BUTTONS
    assert asked(tmp_path, [], old)["counted"] == ACTIONS
    assert asked(tmp_path, [], [])["counted"] == ""


@pytest.mark.parametrize(
    ("policies", "several"),
    [
        (("mutual/0/0/9", "mutual/0/1/9"), False),
        (("ppo/0/0/8", "ppo/0/0/9"), False),
        (("mutual/0/0/9", "mutual/0/1/9", "mutual/1/0/9"), True),
    ],
)
def test_a_mean_needs_two_runs_and_peers_are_one(policies, several, tmp_path):
    assert asked(tmp_path, [], rows_of("decisions", *policies))["several"] is several


def test_readers_policies_of_two_methods_are_two_runs_without_a_mean(tmp_path):
    one, other = (rows_of("decisions", "yours/0/0/9", theirs=name) for name in ("ppo", "mutual"))
    more = rows_of("buttons", "yours/0/0/9", theirs="ppo")
    found = asked(tmp_path, more, [*one, *other])
    assert found["shown"] == [*more, *other]
    assert not found["several"]
    two = rows_of("decisions", "yours/0/0/9", "yours/1/0/9", theirs="ppo")
    assert asked(tmp_path, [], two)["several"]
