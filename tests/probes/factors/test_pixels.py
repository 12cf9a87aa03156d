"""Factors and pixels: what is edited in a state changes the picture where its factors say."""

from functools import cache

import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from checkpoints.world.game_fields import with_tail
from checkpoints.world.games import GAMES
from checkpoints.world.states import read_state, with_background, write_state
from probes.factors.targets import SHEETS, factors, sheet, view
from tests.support.played import play, renderer
from tests.support.wander import (
    mark_names,
    moved_agent,
    moved_entity,
    moved_thing,
    one,
    radius_of,
    wander,
)

SOFT = 1.5  # pixels: sprites are scaled smoothly


@cache
def some_states(game: str) -> list[bytes]:
    return wander(game, "easy", 24, seed=1) + wander(game, "hard", 24, seed=1)


# Sprites drawn beyond the agent's box, in cells: ``get_adjusted_image_rect``.
TALLER = {"coinrun": 1.0, "leaper": 0.4}


def distance_from(point: tuple[float, float]) -> np.ndarray:
    """Of the middle of each pixel from a point on the screen, (64, 64) pixels."""
    y, x = np.mgrid[:64, :64] + 0.5
    return np.hypot(x - point[0], y - point[1])


def changed(game: str, before: bytes, after: bytes) -> np.ndarray:
    one, other = renderer(game).redraw([before, after])
    return (one != other).any(axis=-1)


def on_screen(game: str, state: bytes, gap: np.ndarray | None = None) -> tuple[float, float]:
    """The agent, or what lies ``gap`` cells from it, in pixels, by factors alone."""
    names = {factor.name for factor in factors(game)}
    seen = view(game, state)
    x, y = (
        one(game, state, f"agent_screen_{axis}") if f"agent_screen_{axis}" in names else at
        for axis, at in zip("xy", seen.screen(seen.here[None])[0], strict=True)
    )
    dx, dy = (0, 0) if gap is None else gap
    return x + dx * seen.scale, y - dy * seen.scale


FIXED = [g for g in SHEETS if "agent_screen_y" in {factor.name for factor in factors(g)}]


@pytest.mark.parametrize("game", FIXED)
def test_a_moved_agent_changes_the_pixels_where_it_was_and_is(game):
    for state in some_states(game)[::6]:
        seen = view(game, state)
        step = -np.sign(seen.here - seen.middle) * 3
        after = moved_agent(state, *step)
        assert one(game, after, "agent_x") == pytest.approx(one(game, state, "agent_x") + step[0])
        assert one(game, after, "agent_y") == pytest.approx(one(game, state, "agent_y") + step[1])
        where = changed(game, state, after)
        size = np.hypot(seen.agent["rx"], seen.agent["ry"]) + TALLER.get(game, 0)
        radius = float(size) * seen.scale + SOFT
        was, is_ = (distance_from(on_screen(game, s)) for s in (state, after))
        assert where[was < radius].any()
        assert where[is_ < radius].any()
        assert not where[(was >= radius) & (is_ >= radius)].any()


def test_a_place_read_wrongly_would_be_seen():
    state = some_states("bigfish")[0]
    x, y = on_screen("bigfish", state)
    where = changed("bigfish", state, moved_agent(state, 0, 3))
    assert where[distance_from((x, y)) < 4].any()
    assert not where[distance_from((x, 64 - y)) < 4].any()


@pytest.mark.parametrize("game", [game for game in SHEETS if game not in FIXED])
def test_a_moved_agent_moves_the_picture_of_a_camera_that_follows(game):
    """By as many pixels as the factor says, all but the agent and what stays on the screen."""
    shift, equal = 4, []
    for state in some_states(game)[::6]:
        cells = shift / view(game, state).scale
        after = moved_agent(state, 0, -cells)
        assert one(game, after, "agent_y") == pytest.approx(one(game, state, "agent_y") - cells)
        before, now = renderer(game).redraw([state, after])
        equal.append((before[shift:] == now[:-shift]).all(axis=-1).mean())
    assert np.mean(equal) > 0.8, equal


def where_marked(game: str, state: bytes, mark: str) -> tuple[np.ndarray, np.ndarray] | None:
    """The nearest thing so marked: its place in cells, and how far it is from the agent."""
    seen = view(game, state)
    gap = seen.gap(sheet(game).marks[mark], shown=True)
    return None if gap is None else (seen.here + gap, gap)


ONLY_NEAR = {("jumper", "goal")}  # the compass points at it too
ALL_ALONG = {("leaper", "goal")}  # a line across the level, see below


@pytest.mark.parametrize(("game", "mark"), sorted({*mark_names()} - ALL_ALONG))
def test_a_moved_thing_changes_the_pixels_where_it_was_and_is(game, mark):
    tried = 0
    for state in some_states(game):
        found = where_marked(game, state, mark)
        if found is None or tried > 4:
            continue
        seen, (at, gap) = view(game, state), found
        step = np.where(at > seen.middle, -2.0, 2.0)
        after = moved_thing(state, at, *step)
        if after is None:
            continue
        where = changed(game, state, after)
        radius = radius_of(seen, at) + SOFT
        was = distance_from(on_screen(game, state, gap))
        is_ = distance_from(on_screen(game, state, gap + step))
        outside = where & (was >= radius) & (is_ >= radius)
        if (game, mark) not in ONLY_NEAR:
            assert not outside.any(), np.argwhere(outside)[:5]
        tried += int(where[was < radius].any() and where[is_ < radius].any())
    assert tried > 0


def test_a_moved_finish_line_changes_the_rows_where_it_was_and_is():
    for state in some_states("leaper")[::6]:
        fields = read_state(state)
        line = np.flatnonzero(fields.entities["type"] == sheet("leaper").things["finish_line"])[0]
        after = write_state(moved_entity(fields, int(line), 0, -1))
        far, near = (one("leaper", s, "goal_distance") for s in (state, after))
        assert near == pytest.approx(far - 1)
        rows = changed("leaper", state, after).any(axis=1).nonzero()[0] + 0.5
        _, y = on_screen("leaper", state)
        scale = view("leaper", state).scale
        assert rows.min() == pytest.approx(y - (far + 0.5) * scale, abs=SOFT)
        assert rows.max() == pytest.approx(y - (near - 0.5) * scale, abs=SOFT)


def named(name: str) -> list[str]:
    return [game for game, page in SHEETS.items() if name in {f.name for f in page.factors}]


def other_theme(game: str, name: str, now: float) -> int:
    themes = next(len(factor.classes) for factor in factors(game) if factor.name == name)
    return 0 if now == themes - 1 else themes - 1  # the first two of ninja's walls look alike


@pytest.mark.parametrize("game", named("wall_theme"))
def test_another_wall_theme_changes_the_walls_only(game):
    for state in some_states(game)[::12]:
        seen = view(game, state)
        theme = other_theme(game, "wall_theme", one(game, state, "wall_theme"))
        after = write_state(with_tail(seen.state, wall_theme=theme))
        assert one(game, after, "wall_theme") == theme
        types = {type_ for name, type_ in seen.sheet.cells.items() if name.startswith("wall")}
        walls = np.zeros((64, 64), dtype=bool)
        for y, x in np.ndindex(64, 64):
            offset = (x + 0.5 - 32, 32 - y - 0.5)
            walls[y, x] = seen.cell(*(seen.middle + np.divide(offset, seen.scale))) in types
        where = changed(game, state, after)
        assert where[walls].any()
        assert not where[~binary_dilation(walls, iterations=2)].any()


@pytest.mark.parametrize("game", named("agent_theme"))
def test_another_agent_theme_changes_the_agent_only(game):
    for state in some_states(game)[::12]:
        fields, seen = read_state(state), view(game, state)
        theme = other_theme(game, "agent_theme", one(game, state, "agent_theme"))
        agents = np.flatnonzero(fields.entities["type"] == 0)
        fields.entities["image_theme"][agents[-1]] = theme
        after = write_state(fields)
        assert one(game, after, "agent_theme") == theme
        size = np.hypot(seen.agent["rx"], seen.agent["ry"]) + TALLER.get(game, 0)
        where = changed(game, state, after)
        near = distance_from(on_screen(game, state)) < float(size) * seen.scale + SOFT
        assert where[near].any()
        assert not where[~near].any()


@pytest.mark.parametrize("game", SHEETS)
def test_the_background_read_is_the_one_that_is_drawn(game):
    state, last = play(game).states[0], GAMES[game].backgrounds - 1
    assert one(game, with_background(state, game, last), "background") == last
