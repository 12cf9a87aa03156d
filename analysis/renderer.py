"""Twins: the same state drawn on other backgrounds, and exactly which pixels that changes.

Restoring a state restores its render options too and draws at once (``set_state``, openai/procgen
``vecgame.cpp``), so a state whose background index was edited comes back as its twin: the same
game to the last bit, in front of another picture.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, islice

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from checkpoints.console import UserError
from checkpoints.games import IMAGE_SHAPE, Mode, get_game, spread
from checkpoints.states import check_background, for_drawing
from checkpoints.worlds import Levels, ProcgenVectorEnv

MIN_RENDERINGS = 4
_BATCH = 8  # states set at once: fewer cost more calls, more of them fall out of the cache


def pick_backgrounds(
    game: str, count: int = MIN_RENDERINGS, *, mode: Mode = "easy", seen: bool | None = None
) -> tuple[int, ...]:
    """``count`` backgrounds of ``game``, spread evenly over those there are.

    Args:
        game: one of the 16.
        count: how many, at least 2.
        mode: decides which of them training shows.
        seen: only those that training levels show, or only the others; ``None`` takes both.

    Raises:
        UserError: the game has fewer such backgrounds; ``chaser`` has one, and so no twins.

    Note:
        Where there are 62, numbers 14 to 17 share a sky, and so do 18 to 21: high up in a level
        they cannot be told apart. Up to 14 spread over all 62 take at most one of each.
    """
    facts = get_game(game)
    if facts.backgrounds < 2:
        raise UserError(f"{game} has one background, no twins; choose another game")
    trained = facts.trained_backgrounds(mode)
    there = [b for b in range(facts.backgrounds) if seen is None or (b in trained) == seen]
    if not 2 <= count <= len(there):
        kind = {None: "", True: " seen in training", False: " never seen in training"}[seen]
        plural = "" if len(there) == 1 else "s"
        wanted = f"expected 2 to {len(there)}, got" if len(there) > 1 else "too few for"
        raise UserError(
            f"{game} in {mode} mode has {len(there)} background{plural}{kind}; {wanted} a count of "
            f"{count}; choose another count, or others"
        )
    return spread(there, count)


class Renderer:
    """Draws states of one game on any of its backgrounds.

    Note:
        Keep one: it holds a Procgen environment, and Procgen leaks memory when those are
        destroyed. It draws in the calling thread; Procgen's threads only ever step.
    """

    def __init__(self, game: str) -> None:
        """Make ready to draw ``game``; ``UserError`` if there is no such game or no Procgen."""
        self.game = get_game(game).name
        self._env = ProcgenVectorEnv(
            game, levels=Levels.train(1), num_envs=_BATCH, seed=0, num_threads=0
        )

    def redraw(self, states: Sequence[bytes]) -> UInt8[np.ndarray, "state 64 64 3"]:
        """Each state on its own background: what the environment showed."""
        drawings = [for_drawing(state, self.game) for state in states]
        frames = (drawing.on(drawing.own) for drawing in drawings)
        return self._draw(frames, np.arange(len(states)))

    def render(
        self, states: Sequence[bytes], backgrounds: Sequence[int]
    ) -> UInt8[np.ndarray, "state background 64 64 3"]:
        """Each state on each background.

        Args:
            states: from ``get_states``, a bank or ``checkpoints.states.write_state``, of this game.
            backgrounds: indices, 0 to the game's number of backgrounds - 1.

        Raises:
            UserError: a background that the game lacks, or a state that is damaged or of another
                game. Nothing has reached Procgen then, which would end the process.
        """
        backgrounds = [check_background(self.game, b) for b in backgrounds]
        drawings = [for_drawing(state, self.game) for state in states]
        # One background after the other: it stays in the processor's cache for all states.
        frames = (drawing.on(b) for b in backgrounds for drawing in drawings)
        shape = (len(states), len(backgrounds))
        places = np.arange(math.prod(shape)).reshape(shape).T.ravel()
        return self._draw(frames, places).reshape(*shape, *IMAGE_SHAPE)

    def render_each(
        self, states: Sequence[bytes], backgrounds: Sequence[int]
    ) -> UInt8[np.ndarray, "state 64 64 3"]:
        """State i on background ``backgrounds[i]``; errors as in :meth:`render`."""
        if len(states) != len(backgrounds):
            raise UserError(
                f"expected one background a state, got {len(states)} states and "
                f"{len(backgrounds)} backgrounds; pass as many of both"
            )
        pairs = zip(states, backgrounds, strict=True)
        frames = [for_drawing(state, self.game).on(b) for state, b in pairs]
        return self._draw(frames, np.arange(len(frames)))

    def stream(
        self, states: Sequence[bytes], backgrounds: Sequence[int], chunk: int = 64
    ) -> Iterator[UInt8[np.ndarray, "state background 64 64 3"]]:
        """Like :meth:`render`, for ``chunk`` states at a time, so that any number fits."""
        if chunk < 1:
            raise UserError(f"chunk: expected at least 1 state, got {chunk}; 64 is usual")
        for start in range(0, len(states), chunk):
            yield self.render(states[start : start + chunk], backgrounds)

    def _draw(
        self, frames: Iterable[bytes], places: Int[np.ndarray, "frame"]
    ) -> UInt8[np.ndarray, "frame 64 64 3"]:
        """Draw each frame, and put frame i at ``places[i]``."""
        pictures, frames = np.empty((len(places), *IMAGE_SHAPE), dtype=np.uint8), iter(frames)
        for start in range(0, len(places), _BATCH):
            batch = list(islice(frames, _BATCH))
            padded = batch + batch[-1:] * (_BATCH - len(batch))
            pictures[places[start : start + _BATCH]] = self._env.set_states(padded)[: len(batch)]
        return pictures


def exact_mask(
    renderings: UInt8[np.ndarray, "state background 64 64 3"],
) -> Bool[np.ndarray, "state 64 64"]:
    """The pixels that the background shows through: those that differ between two renderings.

    The mean over the pixels of a state, its *mask area*, is the chance level of every score on
    the mask. A sprite's soft edge lets the background through and belongs to the mask.

    Raises:
        UserError: fewer than 4 renderings, which too often agree by accident.
    """
    count = renderings.shape[1]
    if count < MIN_RENDERINGS:
        raise UserError(
            f"expected at least {MIN_RENDERINGS} renderings of a state for its mask, got {count}; "
            f"draw it on more backgrounds (chaser has one background, no twins)"
        )
    return (renderings != renderings[:, :1]).any(axis=(1, 4))


def twin_distance(
    renderings: UInt8[np.ndarray, "state background 64 64 3"],
) -> tuple[Float[np.ndarray, "state"], Float[np.ndarray, "state"]]:
    """How much two twins differ, mean over the pairs of renderings.

    Returns:
        The share of pixels that differ at all, in [0, 1], and the mean absolute difference over
        all pixels and channels, in [0, 255]: plunder's twins differ everywhere, by very little.
    """
    views = np.moveaxis(renderings.astype(np.int16), 1, 0)
    pairs = list(combinations(range(len(views)), 2))
    if not pairs:
        raise UserError(f"expected at least 2 renderings of a state, got {len(views)}: no twins")
    share, size = np.zeros((2, len(renderings)))
    for a, b in pairs:
        gap = np.abs(views[a] - views[b])
        share += gap.any(axis=-1).mean(axis=(1, 2))
        size += gap.mean(axis=(1, 2, 3))
    return share / len(pairs), size / len(pairs)
