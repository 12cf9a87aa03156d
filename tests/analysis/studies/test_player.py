"""The episode that the page plays: chosen by its rule, drawn exactly, its buttons named."""

import io
from itertools import count

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from analysis.player import Settings, main
from analysis.records.tables import read_provenance, read_table
from analysis.studies.player import (
    SCHEMA,
    Episode,
    actor_of,
    button_names,
    encoded,
    measure,
    median_of,
    played,
)
from checkpoints.console import UserError
from checkpoints.policy.store import load_policy
from checkpoints.world.buttons import buttons
from checkpoints.world.games import GAMES
from checkpoints.world.renderer import Renderer
from tests.support.tree import ROOT

TABLES = ROOT / "analysis" / "tables"


def episodes(*totals: float) -> list[Episode]:
    """Episodes of these returns, on levels counted up."""
    return [Episode([], [], total, level) for total, level in zip(totals, count(), strict=False)]


@pytest.mark.parametrize(
    ("totals", "level"),
    [((3.0,), 0), ((5.0, 1.0, 3.0), 2), ((2.0, 2.0, 2.0), 1), ((4.0, 1.0, 3.0, 2.0), 3)],
)
def test_the_median_is_shown_and_ties_go_by_level(totals, level):
    assert median_of(episodes(*totals)).level == level


@pytest.mark.parametrize("game", sorted(GAMES))
def test_every_button_of_every_game_has_a_name_of_its_own(game):
    names = button_names(game)
    assert len(names) == len(set(names)) == len(buttons(game))
    assert "stay" in names


def test_names_say_what_buttons_do():
    assert button_names("coinrun") == ("left", "left jump", "stay", "jump", "right", "right jump")
    assert button_names("starpilot")[-2:] == ("fire", "fire back")


def test_fire_and_fire_back_leave_the_ship_on_their_sides():
    from checkpoints.world.environments import Levels, ProcgenVectorEnv

    env = ProcgenVectorEnv("starpilot", levels=Levels(1_000_003, 1), num_envs=1)
    env.reset()
    for _ in range(12):
        env.step(np.array([4]))
    states, seen = env.get_states(), {}
    for action in (4, 9, 10):
        env.set_states(states)
        env.step(np.array([action]))
        seen[action] = env.step(np.array([4]))[0][0].copy()
    where = {
        action: np.argwhere((seen[action] != seen[4]).any(-1))[:, 1].mean() for action in (9, 10)
    }
    assert where[10] < where[9] - 3


def test_frames_come_back_to_the_last_bit():
    frames = np.random.default_rng(0).integers(0, 256, (3, 2, 64, 64, 3), dtype=np.uint8)
    sheet = np.asarray(Image.open(io.BytesIO(encoded(frames))).convert("RGB"))
    assert sheet.shape == (2 * 64, 3 * 64, 3)
    for state in range(3):
        for variant in range(2):
            cell = sheet[64 * variant :, 64 * state :][:64, :64]
            np.testing.assert_array_equal(cell, frames[state, variant])


def test_an_episode_is_the_same_again_and_another_with_another_seed():
    policy, _ = load_policy(actor_of("coinrun"))
    one, again = (played("coinrun", policy, 1_000_002, "easy", 0) for _ in range(2))
    other = played("coinrun", policy, 1_000_002, "easy", 1)
    assert (one.actions, one.total) == (again.actions, again.total)
    assert one.actions != other.actions
    assert len(one.states) == len(one.actions)


def test_a_committed_frame_is_drawn_again():
    rows = read_table(TABLES / "player.csv", SCHEMA)
    made = read_provenance(TABLES / "player.csv")
    some = rows[rows["game"] == "coinrun"]
    policy, _ = load_policy(actor_of("coinrun"))
    level = int(some["level"].iloc[0])
    one = played("coinrun", policy, level, made["mode"], made["seed"])
    assert len(one.states) == some["episode_steps"].iloc[0]
    place = len(some) // 2
    drawn = Renderer("coinrun").render([one.states[some["step"].iloc[place]]], range(62))
    sheet = np.asarray(Image.open(TABLES / "player" / "coinrun.webp").convert("RGB"))
    found = sheet[:, 64 * place : 64 * place + 64].reshape(62, 64, 64, 3)
    np.testing.assert_array_equal(found, drawn[0])


def test_the_command_writes_table_and_frames(tmp_path, capsys):
    settings = Settings(games=("coinrun",), levels=1, frames=70, output=tmp_path, world=())
    main(settings)
    rows = read_table(tmp_path / "player.csv", SCHEMA)
    assert len(rows) == 1
    world = read_provenance(tmp_path / "player.csv")["worlds"]["coinrun"]
    assert world["variants"] == 62
    assert (tmp_path / "player" / "coinrun.webp").stat().st_size > 10_000
    assert "coinrun" in capsys.readouterr().out
    with pytest.raises(UserError, match=r"player\.csv exists and is kept; give --overwrite"):
        main(settings)


@pytest.mark.parametrize(
    ("game", "frames", "said"),
    [
        ("bigfish", 800, "bigfish: expected a game with a shipped PPO policy"),
        ("chaser", 800, "chaser has one background, no twins to show"),
        ("coinrun", 61, "--frames: expected at least 62, a state of coinrun on all"),
    ],
)
def test_what_cannot_be_played_is_said(game, frames, said):
    with pytest.raises(UserError, match=said):
        measure([game], mode="easy", levels=1, frames=frames, seed=0)


def test_no_game_is_an_empty_table():
    frame, pictures, worlds = measure([], mode="easy", levels=1, frames=100, seed=0)
    assert isinstance(frame, pd.DataFrame)
    assert (len(frame), pictures, worlds) == (0, {}, {})
