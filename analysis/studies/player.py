"""One episode of each game on every background: what the page plays.

The episode illustrates and decides nothing, so it is chosen by a rule and not by its looks: of the
first unseen levels, each played once, the one whose return is the median.
"""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import UInt8

from analysis.records.columns import GAME
from analysis.records.tables import Column, Schema
from analysis.scenes.bank import procgen_version
from analysis.scenes.episodes import act
from checkpoints.console import UserError, show_tables, watch
from checkpoints.doors.reading import short_hash
from checkpoints.doors.writing import atomic
from checkpoints.policy.shipped import usual_policies
from checkpoints.policy.store import ZOO, find_policies, load_policy, policy_path
from checkpoints.world.buttons import buttons
from checkpoints.world.environments import UNSEEN_START, Levels, ProcgenVectorEnv
from checkpoints.world.games import IMAGE_SHAPE, Mode, get_game
from checkpoints.world.renderer import Renderer
from checkpoints.world.states import for_drawing

if TYPE_CHECKING:
    from checkpoints.policy.encoders import Policy

SCHEMA = Schema(
    "player",
    (
        GAME,
        Column("state", "int", "place in the episode shown", low=0),
        Column("step", "int", "of the episode", "steps", low=0),
        Column("level", "int", "level seed", low=UNSEEN_START),
        Column("own", "int", "the background on which it was met", low=0),
        Column("action", "int", "what was done there", low=0, high=14),
        Column("episode_steps", "int", "of the whole episode", "steps", low=1),
        Column("episode_return", "float", "of the whole episode", "reward"),
    ),
    key=("game", "state"),
    command="analysis.player",
)
FOLDER = "player"
"""Of the pictures, inside the folder of the table."""
RULE = (
    "the episode with the median return among the first {levels} unseen levels, one episode each, "
    "actions drawn from {actor}, seed {seed}; every {stride} steps a state"
)
_SIDES = ("left", "", "right")
_HEIGHTS = ("down", "", "up")
_JUMPING = ("climber", "coinrun", "jumper", "ninja")
"""Games in which up is a jump."""
_KEYS = {9: "key D", 10: "key A", 11: "key W", 12: "key S", 13: "key Q", 14: "key E"}
_SPECIAL = {"starpilot": {9: "fire", 10: "fire back"}}
"""What a key does, where it was seen to do it."""


class Episode(NamedTuple):
    """An episode from its first state to its last."""

    states: list[bytes]
    actions: list[int]
    total: float
    level: int


def button_names(game: str) -> tuple[str, ...]:
    """What the buttons of ``checkpoints.world.buttons`` are called, in their order.

    A group that does nothing is called so; of moves that do the same, the shortest names all.
    """
    return tuple(_name(game, group) for group in buttons(game))


def _name(game: str, group: Sequence[int]) -> str:
    if 4 in group:
        return "stay"
    moves = [action for action in group if action < 9]
    if not moves:
        return _SPECIAL.get(game, {}).get(group[0], _KEYS[group[0]])
    words = [[word for word in (_SIDES[a // 3], _HEIGHTS[a % 3]) if word] for a in moves]
    said = min(map(" ".join, words), key=len)
    return said.replace("up", "jump") if game in _JUMPING else said


def actor_of(game: str) -> Path:
    """The file of the policy that plays: the game's first shipped PPO run, at its last step.

    Raises:
        UserError: none is shipped.
    """
    runs = sorted({k.run for k in usual_policies() if k.game == game and k.method == "ppo"})
    if not runs:
        known = sorted({k.game for k in usual_policies() if k.method == "ppo"})
        raise UserError(
            f"{game}: expected a game with a shipped PPO policy, which plays the episode; there "
            f"are: {', '.join(known)}"
        )
    return policy_path(ZOO, find_policies(runs[0])[0])


def played(game: str, policy: "Policy", level: int, mode: Mode, seed: int) -> Episode:
    """One episode of one level, actions drawn from the policy."""
    env = ProcgenVectorEnv(game, levels=Levels(level, 1), mode=mode, num_envs=1)
    draws = np.random.default_rng([seed, level])
    frames, _ = env.reset()
    states, actions, total, ended = [], [], 0.0, False
    while not ended:
        states.append(env.get_states()[0])
        chosen = act(policy, frames.copy(), draws.random(1))
        actions.append(int(chosen[0]))
        frames, rewards, over, _, _ = env.step(chosen)
        total, ended = total + float(rewards[0]), bool(over[0])
    return Episode(states, actions, total, level)


def median_of(episodes: Sequence[Episode]) -> Episode:
    """The episode of median return, of an even number the lower; ties in order of level."""
    ranked = sorted(episodes, key=lambda one: (one.total, one.level))
    return ranked[(len(ranked) - 1) // 2]


def encoded(frames: UInt8[np.ndarray, "state background h w 3"]) -> bytes:
    """Lossless WebP: a row a background, a column a state; far smaller than frame by frame."""
    from PIL import Image

    states, backgrounds, height, width, _ = frames.shape
    sheet = frames.transpose(1, 2, 0, 3, 4).reshape(backgrounds * height, states * width, 3)
    written = io.BytesIO()
    Image.fromarray(sheet).save(written, "webp", lossless=True, quality=100, method=6, exact=True)
    return written.getvalue()


def picture_of(game: str) -> str:
    """Where its frames go, inside the folder of the table."""
    return f"{FOLDER}/{game}.webp"


def named(games: Sequence[str]) -> list[str]:
    """The games asked for, each once; all that have a shipped PPO policy if none is."""
    known = sorted({k.game for k in usual_policies() if k.method == "ppo"})
    return [get_game(name).name for name in dict.fromkeys(games)] or known


def measure(
    chosen: Sequence[str], *, mode: Mode, levels: int, frames: int, seed: int
) -> tuple[pd.DataFrame, dict[str, bytes], dict[str, Any]]:
    """Rows of :data:`SCHEMA`, the encoded frames of each game, and what the page must know of it.

    Args:
        chosen: games.
        mode: Procgen's difficulty.
        levels: how many episodes the shown one is chosen from.
        frames: drawn of a game at most, over all backgrounds; decides how many states are kept.
        seed: of the actions.

    Raises:
        UserError: a game without a shipped PPO policy or with one background, or too few frames.
    """
    rows: list[dict[str, Any]] = []
    pictures, worlds = {}, {}
    for game in watch(chosen, "playing"):
        found = _measure(game, mode, levels, frames, seed)
        rows.extend(found[0])
        pictures[game], worlds[game] = found[1:]
    return pd.DataFrame(rows, columns=list(SCHEMA.names)), pictures, worlds


def _measure(
    game: str, mode: Mode, levels: int, frames: int, seed: int
) -> tuple[list[dict[str, Any]], bytes, dict[str, Any]]:
    facts = get_game(game)
    if facts.backgrounds < 2:
        raise UserError(f"{game} has one background, no twins to show; choose another game")
    if frames < facts.backgrounds:
        raise UserError(
            f"--frames: expected at least {facts.backgrounds}, a state of {game} on all of its "
            f"backgrounds, got {frames}"
        )
    path = actor_of(game)
    policy, made = load_policy(path)
    first = range(UNSEEN_START, UNSEEN_START + levels)
    one = median_of([played(game, policy, level, mode, seed) for level in first])
    stride = -(-len(one.states) // (frames // facts.backgrounds))
    kept = range(0, len(one.states), stride)
    states = [one.states[k] for k in kept]
    drawn = Renderer(game).render(states, range(facts.backgrounds))
    world = {
        "actor": made.id,
        "actor_sha256": short_hash(path),
        "rule": RULE.format(levels=levels, actor=made.id, seed=seed, stride=stride),
        "shape": list(IMAGE_SHAPE),
        "varied": "background",
        "variants": facts.backgrounds,
        "trained": list(facts.trained_backgrounds(mode)),
        "buttons": [list(group) for group in buttons(game)],
        "names": list(button_names(game)),
    }
    return list(_rows(game, one, kept)), encoded(drawn), world


def _rows(game: str, one: Episode, kept: Sequence[int]) -> Iterator[dict[str, Any]]:
    for place, k in enumerate(kept):
        yield {
            "game": game,
            "state": place,
            "step": k,
            "level": one.level,
            "own": int(for_drawing(one.states[k], game).own),
            "action": one.actions[k],
            "episode_steps": len(one.states),
            "episode_return": one.total,
        }


def constants() -> dict[str, Any]:
    """What decides the frames and is no setting."""
    return {"procgen": procgen_version()}


def write_pictures(pictures: dict[str, bytes], output: Path) -> None:
    """Write the frames of each game, whole or not at all, under the folder of the table."""
    for game, picture in pictures.items():
        with atomic(output / picture_of(game)) as temporary:
            temporary.write_bytes(picture)


def show(frame: pd.DataFrame, others: pd.DataFrame, pictures: dict[str, bytes]) -> None:
    """Print a line a game, and a line a world of a file."""
    from rich.table import Table

    table = Table("world", "level", "states", "of steps", "return", "kB of frames")
    for game, some in frame.groupby("game", sort=False):
        one = some.iloc[0]
        played = f"{one['level']:,}", str(len(some)), str(one["episode_steps"])
        size = f"{len(pictures[str(game)]) / 1000:.0f}"
        table.add_row(str(game), *played, f"{one['episode_return']:g}", size)
    for name, some in others.groupby("world", sort=False):
        size = f"{len(pictures[str(name)]) / 1000:.0f}"
        table.add_row(str(name), "–", str(len(some)), "–", "–", size)
    show_tables(table)
