"""Each of the 16 games' states: read, written, edited, drawn, and refused when damaged."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from checkpoints.console import UserError
from checkpoints.world.codecs import ENTITY, Generator
from checkpoints.world.environments import ProcgenVectorEnv
from checkpoints.world.games import GAMES
from checkpoints.world.states import PLAYER, for_drawing, read_state, with_background, write_state
from tests.support.played import LEVELS, play, renderer
from tests.support.tree import ROOT

every_game = pytest.mark.parametrize("game", GAMES)
every_twin = pytest.mark.parametrize("game", [game for game in GAMES if game != "chaser"])


# -- reading and writing ---------------------------------------------------------------------


@every_game
@pytest.mark.parametrize("mode", ["easy", "hard"])
def test_unedited_states_are_written_back_byte_for_byte(game, mode):
    for state in play(game, mode).states:
        assert write_state(read_state(state)) == state


@every_game
def test_fields_agree_with_what_is_known(game):
    played = play(game)
    for data, level, time in zip(played.states, played.levels, played.time, strict=True):
        state = read_state(data)
        assert (state.version, state.game) == (0, game)
        assert (state.current_level_seed, state.cur_time) == (level, time)
        assert (state.level_seed_low, state.level_seed_high) == (3, 53)
        assert 0 <= state.background_index < GAMES[game].backgrounds
        assert (state.use_backgrounds, state.paint_vel_info, state.restrict_themes) == (1, 0, 0)
        assert state.grid.shape == (state.main_height, state.main_width)
        assert state.grid_size == state.grid.size
        assert state.agent["type"] == PLAYER
        assert len(state.generator.text.split()) == 625  # a Mersenne twister and its place
        assert len(ENTITY) == 31


@every_game
def test_modes_are_told_apart(game):
    assert {read_state(state).distribution_mode for state in play(game).states} == {0}
    assert {read_state(state).distribution_mode for state in play(game, "hard").states} == {1}


def test_easy_coinrun_is_pinned_to_its_first_background():
    assert {read_state(state).background_index for state in play("coinrun").states} == {0}


@every_game
def test_an_edit_changes_its_field_and_no_other(game):
    before = read_state(play(game).states[0])
    after = read_state(write_state(dataclasses.replace(before, timeout=7, last_reward=0.5)))
    assert (after.timeout, after.last_reward) == (7, 0.5)
    for field in dataclasses.fields(before):
        if field.name not in ("timeout", "last_reward"):
            same = np.array_equal(getattr(before, field.name), getattr(after, field.name))
            assert same, field.name


# -- drawing ---------------------------------------------------------------------------------


@every_game
def test_drawing_states_are_small_and_draw_the_same(game):
    played = play(game)
    drawings = [for_drawing(state, game) for state in played.states]
    drawn = played.env.set_states([drawing.on(drawing.own) for drawing in drawings])
    np.testing.assert_array_equal(drawn, played.observations)
    saved = [len(s) - len(d.on(d.own)) for s, d in zip(played.states, drawings, strict=True)]
    assert min(saved) > 19_000


@every_twin
def test_both_roads_to_a_twin_agree(game):
    played = play(game)
    last = GAMES[game].backgrounds - 1
    whole = played.env.set_states([with_background(s, game, last) for s in played.states])
    np.testing.assert_array_equal(whole, renderer(game).render(played.states, [last])[:, 0])
    edited = dataclasses.replace(read_state(played.states[0]), background_index=last)
    assert write_state(edited) == with_background(played.states[0], game, last)


@every_twin
def test_twins_live_the_same_life(game):
    played, other = play(game), play(game, seed=1)
    own = read_state(played.states[0]).background_index
    twin = (own + 1) % GAMES[game].backgrounds
    played.env.set_states(played.states)
    other.env.set_states([with_background(state, game, twin) for state in played.states])
    rng = np.random.default_rng(0)
    for step in range(100):
        actions = rng.integers(0, 15, 4)
        _, rewards, ended, _, _ = played.env.step(actions)
        _, twin_rewards, twin_ended, _, _ = other.env.step(actions)
        np.testing.assert_array_equal(rewards, twin_rewards)
        np.testing.assert_array_equal(ended, twin_ended)
        if step % 20 == 19:
            np.testing.assert_array_equal(played.env.level_seeds(), other.env.level_seeds())
            assert_equal_but_for_wallpaper(played.env, other.env, game)


def assert_equal_but_for_wallpaper(one: ProcgenVectorEnv, other: ProcgenVectorEnv, game: str):
    """Entities, cells, generators and all else, except the background and the place in line."""
    for a, b in zip(one.get_states(), other.get_states(), strict=True):
        assert read_state(a).entities.tobytes() == read_state(b).entities.tobytes()
        assert with_background(a, game, 0) == with_background(b, game, 0)


def test_another_life_would_be_seen():
    played, other = play("bigfish"), play("bigfish", seed=1)
    played.env.set_states(played.states)
    other.env.set_states(other.states)
    with pytest.raises(AssertionError):
        assert_equal_but_for_wallpaper(played.env, other.env, "bigfish")


@every_game
def test_an_environment_with_other_options_draws_the_state_the_same(game):
    import procgen

    played = play(game)
    env = procgen.ProcgenGym3Env(
        num=4,
        env_name=game,
        num_threads=0,
        distribution_mode="hard",
        use_backgrounds=False,
        center_agent=False,
        paint_vel_info=True,
    )
    env.callmethod("set_state", played.states)
    np.testing.assert_array_equal(env.observe()[1]["rgb"], played.observations)


def test_states_that_would_spoil_a_renderer_are_refused():
    state = dataclasses.replace(read_state(play("jumper").states[0]), restrict_themes=1)
    with pytest.raises(UserError, match="with restrict_themes 0, got 1"):
        for_drawing(write_state(state), "jumper")


# -- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize("index", [-1, 7, 62, 2**31])
def test_backgrounds_that_a_game_lacks_are_refused(index):
    state = play("bigfish").states[0]
    expected = f"bigfish: expected a background from 0 to 6, got {index}"
    with pytest.raises(UserError, match=expected):
        with_background(state, "bigfish", index)
    with pytest.raises(UserError, match=expected):
        for_drawing(state, "bigfish").on(index)
    if index < 2**31:
        with pytest.raises(UserError, match=expected):
            write_state(dataclasses.replace(read_state(state), background_index=index))


def test_states_of_another_game_are_refused():
    state = play("bigfish").states[0]
    with pytest.raises(UserError, match="expected a state of coinrun, got one of bigfish"):
        with_background(state, "coinrun", 0)
    foreign = state.replace(b"bigfish", b"gofishh")
    with pytest.raises(UserError, match="unknown game in a state 'gofishh'"):
        read_state(foreign)


@every_game
def test_states_cut_short_are_refused(game):
    state = play(game).states[0]
    for length in {*range(0, len(state), 499), len(state) - 1, len(state) - 4}:
        with pytest.raises(UserError, match="expected the whole state of a Procgen game, got"):
            read_state(state[:length])


def test_damaged_states_are_read_or_refused_and_nothing_else():
    state, rng = play("jumper").states[0], np.random.default_rng(0)
    for place in range(0, len(state) - 4, 37):
        damaged = state[:place] + rng.bytes(4) + state[place + 4 :]
        try:
            read_state(damaged)
        except UserError:
            continue


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("use_generated_assets", 1, "got use_generated_assets 1 instead of 0"),
        ("is_waiting_for_step", 1, "got is_waiting_for_step 1 instead of 0"),
        ("use_procgen_background", 1, "got use_procgen_background 1 instead of 0"),
        ("version", 1, "got bytes that start with"),
        ("timeout", 2**31, "field 'timeout': expected a whole number of 32 bits, got 2147483648"),
        ("timeout", 1.5, "field 'timeout': expected a whole number of 32 bits, got 1.5"),
        ("unit", "wide", "field 'unit': expected a number that fits a 32-bit float, got 'wide'"),
        ("game", 3, "field 'game': expected a text, got 3"),
        ("generator", b"1 2", "field 'generator': expected a Generator"),
        ("entities", np.zeros(3), "field 'entities': expected a vector of dtype ENTITY"),
        ("entities", np.zeros(3, ENTITY)[:0], "none of which has type 0, which jumper needs"),
        ("entities", np.zeros(3, ENTITY), "none of which has type 1, which jumper needs"),
        ("grid", np.zeros((2, 2)), r"expected an array of whole numbers, \(height, width\)"),
        ("grid", np.zeros((0, 2), np.int32), "got a grid of 2 x 0 with 0 cells"),
        ("tail", 5, "field 'tail': expected bytes, got 5"),
        ("tail", b"", "bytes without the end mark"),
    ],
)
def test_states_that_would_stop_procgen_are_refused(field, value, expected):
    state = read_state(play("jumper").states[0])
    object.__setattr__(state, field, value)  # past the checks of types that only tests make
    with pytest.raises(UserError, match=expected):
        write_state(state)


def test_generators_survive_an_edit():
    state = read_state(play("maze").states[0])
    assert isinstance(state.generator, Generator)
    emptied = dataclasses.replace(state, generator=Generator(1, b""))
    assert read_state(write_state(emptied)).generator == Generator(1, b"")


FATAL = """
import struct
from checkpoints.world.states import GameState, for_drawing
from checkpoints.world.environments import ProcgenVectorEnv, Levels
env = ProcgenVectorEnv("bigfish", levels=Levels.train(1), num_envs=1, num_threads=0)
drawing = for_drawing(env.get_states()[0], "bigfish")
env.set_states([{state}])
print("drawn", flush=True)
env.step([4])
print("stepped", flush=True)
"""


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("GameState(drawing.before + struct.pack('<i', 7) + drawing.after)", "out_of_range"),
        ("drawing.on(6)", "drawn\nfassert failed 'is_seeded'"),
    ],
    ids=["a background out of range", "a step of a drawing"],
)
def test_procgen_does_end_the_process(state, expected):
    done = subprocess.run(
        [sys.executable, "-c", FATAL.format(state=state)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode != 0
    assert expected in done.stdout + done.stderr
    assert "stepped" not in done.stdout


def test_levels_are_those_asked_for():
    assert set(play("maze").levels.tolist()) <= set(range(3, 3 + LEVELS.count))
