"""A game's factors as a table, and one of its states with a picture of what they are about."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.records.tables import check_output
from checkpoints.console import say, show_tables
from checkpoints.doors.writing import atomic
from checkpoints.world.games import IMAGE_SHAPE, NUM_ACTIONS, Mode
from probes.factors.frame import Factor, View
from probes.factors.targets import factors, measure, sheet, view

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ENVS, _STEPS, _HOLD, _EVERY = 16, 120, 6, 12
_ENOUGH = 6  # more things of a kind only clutter
_LOOKS = {"goal": ("D", "#3ddc84"), "hazard": ("s", "#ff4d6d")}
_OTHER = ("o", "#ffc857")


def show(game: str, output: Path, *, mode: Mode = "easy", overwrite: bool = False) -> Path:
    """Draw a state of ``game`` with the things its factors point at, and print the factors.

    Args:
        game: one of the 16.
        output: folder for ``factors-<game>.png``; made if need be.
        mode: of the state; it is one of random play that shows as many kinds of thing as any.
        overwrite: replace a picture that is there.

    Returns:
        The path of the picture.

    Raises:
        UserError: an unknown game, or a picture that is there and must not be replaced.
    """
    wanted = factors(game)
    path = output / f"factors-{game}.png"
    check_output(path, overwrite=overwrite)
    say(f"{game}: playing at random until a state shows what its factors are about")
    state, picture = telling_state(game, mode)
    values = measure(game, [state]).values
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 6.4), layout="constrained")
    annotate(figure.subplots(), view(game, state), picture)
    with atomic(path, keep=not overwrite) as temporary:
        figure.savefig(temporary, format="png", dpi=120)
    print_factors(game, wanted, {name: float(value[0]) for name, value in values.items()})
    return path


def telling_state(game: str, mode: Mode, seed: int = 0) -> tuple[bytes, np.ndarray]:
    """A state of random play with as many kinds of marked thing in view as any, and its picture."""
    from checkpoints.world.environments import Levels, ProcgenVectorEnv

    env = ProcgenVectorEnv(game, levels=Levels.train(200), mode=mode, num_envs=_ENVS, seed=seed)
    rng, best = np.random.default_rng(seed), (-1, -1)
    chosen = None
    marks = sheet(game).marks.values()
    actions = rng.integers(0, NUM_ACTIONS, _ENVS)
    for step in range(_STEPS):
        if step % _HOLD == 0:  # jitter leads nowhere
            actions = rng.integers(0, NUM_ACTIONS, _ENVS)
        pictures, *_ = env.step(actions)
        if step % _EVERY:
            continue
        for state, picture in zip(env.get_states(), pictures, strict=True):
            seen = view(game, state)
            things = [len(seen.found(find, shown=True)) for find in marks]
            telling = (np.count_nonzero(things), min(sum(things), _ENOUGH))
            if telling > best:
                best, chosen = telling, (state, picture.copy())
    assert chosen is not None
    return chosen


def print_factors(game: str, wanted: Sequence[Factor], values: dict[str, float]) -> None:
    """A line for each factor; the last column holds its value in the state that is drawn."""
    from rich.table import Table

    title = f"{game}: what is true of a state"
    caption = (
        "about: picture = what this one frame shows; motion = what takes more than one frame; "
        "level = also what may lie out of view"
    )
    table = Table("factor", "role", "about", "kind", "unit", title=title, caption=caption)
    table.add_column("range", overflow="fold")
    table.add_column("meaning", min_width=30)
    table.add_column("in the picture", justify="right")
    for factor in wanted:
        table.add_row(
            *(factor.name, factor.role, factor.scope, factor.kind, factor.unit, range_of(factor)),
            factor.meaning,
            in_words(factor, values[factor.name]),
        )
    show_tables(table)


def range_of(factor: Factor) -> str:
    """Lowest and highest value, or the classes: by name where there are few."""
    if factor.kind == "number":
        return f"{factor.low:.3g} to {factor.high:.3g}"
    if len(factor.classes) > 4:
        return f"{len(factor.classes)} classes, {factor.classes[0]} … {factor.classes[-1]}"
    return ", ".join(factor.classes)


def in_words(factor: Factor, value: float) -> str:
    """A value as a person reads it; a dash where the state has no such thing."""
    if math.isnan(value):
        return "–"
    return factor.classes[int(value)] if factor.kind == "class" else f"{value:.4g}"


def annotate(axes: "Axes", seen: View, picture: np.ndarray) -> "Axes":
    """Draw a state, a ring round the agent, and a line to the nearest marked thing of each kind.

    Args:
        axes: where to draw; returned.
        seen: the state.
        picture: what it looks like, (64, 64, 3) uint8.
    """
    side = IMAGE_SHAPE[0]
    axes.imshow(picture, extent=(0, side, side, 0), interpolation="nearest")
    here = seen.screen(seen.here[None])[0]
    axes.plot(*here, "o", ms=22, mfc="none", mec="white", mew=2, label="agent")
    for name, find in seen.sheet.marks.items():
        gap, shown = seen.gap(find, shown=True), seen.found(find, shown=True)
        shape, colour = _LOOKS.get(name, _OTHER)
        look: dict[str, Any] = {"marker": shape, "ls": "none", "mfc": "none", "mec": colour}
        if gap is None:
            axes.plot([], [], **look, ms=16, mew=2.5, label=f"{name}: none in view")
            continue
        axes.plot(*seen.screen(shown).T, **look, ms=7, mew=1.2)
        there = seen.screen((seen.here + gap)[None])[0]
        axes.plot(*zip(here, there, strict=True), color=colour, lw=1.5)
        far = f"{math.hypot(*gap):.1f} cells away, {gap[0]:+.1f} right, {gap[1]:+.1f} up"
        axes.plot(*there, **look, ms=16, mew=2.5, label=f"{name}: nearest {far}")
    axes.set(xlim=(0, side), ylim=(side, 0), xlabel="pixels", ylabel="pixels")
    axes.set_title(f"{seen.state.game}, level {seen.state.current_level_seed}", loc="left")
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(0, -0.09),
        frameon=True,
        facecolor="#555555",
        labelcolor="white",
        fontsize=9,
        markerscale=0.45,
    )
    return axes
