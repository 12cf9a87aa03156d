"""What the player carries: shipped policies as the files they are, and an episode's frames."""

import hashlib
import shutil

import pytest

from checkpoints.console import UserError
from checkpoints.policy.store import ZOO
from figures.browser.player import named, player, usual
from figures.browser.sources import PagePlaces
from tests.support.tree import ROOT

TABLES = ROOT / "analysis" / "tables"
PLACES = PagePlaces(TABLES, ROOT / "figures" / "out", ROOT / "results" / "page.html")


def test_of_each_game_and_method_the_first_runs_last_policy_is_carried():
    found = [str(one) for one in usual(["starpilot"])]
    assert "starpilot/ppo-bg9/0/peer0/step4194304" in found
    assert "starpilot/mutual/0/peer0/step2097152" in found
    assert len({one.split("/")[1] for one in found}) == len(found)
    assert all(one.startswith("starpilot/") for one in found)


def test_policies_are_the_files_with_their_hashes():
    part, files = player(PLACES, ["starpilot/drac-twins-bg9/0"])
    (one,) = part["policies"]
    content = (ZOO / f"{one['id']}.safetensors").read_bytes()
    assert files[one["slot"]] == content
    assert one["sha256"] == hashlib.sha256(content).hexdigest()[:16]
    assert len(one["backgrounds"]) == 9


def test_every_world_has_its_frames_states_and_names():
    part, files = player(PLACES)
    for name, world in part["worlds"].items():
        assert files[world["slot"]] == (TABLES / "player" / f"{name}.webp").read_bytes()
        assert len(world["names"]) == len(world["buttons"])
        count = {"crafter-grass": 17, "atari-maze": 9, "mujoco-floor": 0}.get(name, 15)
        assert sorted(a for group in world["buttons"] for a in group) == list(range(count))
        assert [row["state"] for row in world["states"]] == list(range(len(world["states"])))
        assert all(0 <= row["own"] < world["variants"] for row in world["states"])
        if "file" not in world:
            assert "median return" in world["rule"]
    assert {"starpilot", "coinrun", "crafter-grass", "mujoco-floor"} <= set(part["worlds"])
    assert [one["table"] for one in part["sources"]] == ["player", "player_worlds"]


def test_an_id_is_carried_once_and_an_unknown_one_refused():
    assert len(named(["coinrun/ppo/1", "coinrun/ppo/1/peer0"])) == 1
    with pytest.raises(UserError, match="no policy 'coinrun/ppo/9' under"):
        named(["coinrun/ppo/9"])


def test_without_an_episode_the_part_says_what_writes_it(tmp_path):
    places = PagePlaces(tmp_path, tmp_path, tmp_path / "page.html")
    part, files = player(places)
    assert "write it with: python -m analysis.player" in part["missing"]
    assert files == {}
    shutil.copy(TABLES / "player.csv", tmp_path)
    part, files = player(places)
    assert "found no file; write them with: python -m analysis.player" in part["missing"]


def test_without_other_worlds_the_games_are_there_and_the_rest_says_what_writes_it(tmp_path):
    shutil.copy(TABLES / "player.csv", tmp_path)
    shutil.copytree(TABLES / "player", tmp_path / "player")
    part, files = player(PagePlaces(tmp_path, tmp_path, tmp_path / "page.html"))
    assert set(part["worlds"]) == {"starpilot", "coinrun"}
    assert "write it with: python -m analysis.player" in part["lacking"]
    assert {world["slot"] for world in part["worlds"].values()} <= set(files)
