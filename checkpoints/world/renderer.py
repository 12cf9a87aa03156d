"""Drawing states of a game on any of its backgrounds.

Restoring a state restores its render options too and draws at once (``set_state``, openai/procgen
``vecgame.cpp``), so a state whose background index was edited comes back as its twin: the same
game to the last bit, in front of another picture.

States that did not come from Procgen are drawn in a copy of this process, which may end.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np
from jaxtyping import Int, UInt8

from checkpoints.console import UserError
from checkpoints.world.apart import Died, apart
from checkpoints.world.environments import Levels, ProcgenVectorEnv
from checkpoints.world.games import IMAGE_SHAPE, get_game
from checkpoints.world.states import DrawableState, GameState, check_background, for_drawing

_SECONDS, _SECONDS_A_FRAME = 5.0, 0.02
"""After which drawing in a copy of this process is given up; a frame takes 0.0002."""
_BATCH = 8  # states set at once: fewer cost more calls, more of them fall out of the cache


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
        return self._draw(frames, np.arange(len(states)), known=_known(drawings))

    def render(
        self, states: Sequence[bytes], backgrounds: Sequence[int]
    ) -> UInt8[np.ndarray, "state background 64 64 3"]:
        """Each state on each background.

        Args:
            states: of this game, from ``get_states``, a bank or
                ``checkpoints.world.states.write_state``.
            backgrounds: indices, 0 to the game's number of backgrounds - 1.

        Raises:
            UserError: a background that the game lacks, or a state that is damaged, of another game
                or such that Procgen cannot draw it.
        """
        backgrounds = [check_background(self.game, b) for b in backgrounds]
        drawings = [for_drawing(state, self.game) for state in states]
        # One background after the other: it stays in the processor's cache for all states.
        frames = (drawing.on(b) for b in backgrounds for drawing in drawings)
        shape = (len(states), len(backgrounds))
        places = np.arange(math.prod(shape)).reshape(shape).T.ravel()
        drawn = self._draw(frames, places, known=_known(drawings))
        return drawn.reshape(*shape, *IMAGE_SHAPE)

    def render_each(
        self, states: Sequence[bytes], backgrounds: Sequence[int]
    ) -> UInt8[np.ndarray, "state 64 64 3"]:
        """State i on background ``backgrounds[i]``; errors as in :meth:`render`."""
        if len(states) != len(backgrounds):
            raise UserError(
                f"expected one background a state, got {len(states)} states and "
                f"{len(backgrounds)} backgrounds; pass as many of both"
            )
        return self.draw_each([for_drawing(state, self.game) for state in states], backgrounds)

    def draw_each(
        self, drawings: Sequence[DrawableState], backgrounds: Sequence[int]
    ) -> UInt8[np.ndarray, "state 64 64 3"]:
        """The same of states that were made ready by ``for_drawing``."""
        frames = [one.on(b) for one, b in zip(drawings, backgrounds, strict=True)]
        return self._draw(frames, np.arange(len(frames)), known=_known(drawings))

    def stream(
        self, states: Sequence[bytes], backgrounds: Sequence[int], chunk: int = 64
    ) -> Iterator[UInt8[np.ndarray, "state background 64 64 3"]]:
        """Like :meth:`render`, for ``chunk`` states at a time, so that any number fits."""
        if chunk < 1:
            raise UserError(f"chunk: expected at least 1 state, got {chunk}; 64 is usual")
        for start in range(0, len(states), chunk):
            yield self.render(states[start : start + chunk], backgrounds)

    def _draw(
        self, frames: Iterable[bytes], places: Int[np.ndarray, " frame"], *, known: bool
    ) -> UInt8[np.ndarray, "frame 64 64 3"]:
        """Draw each frame, and put frame i at ``places[i]``; here only those that are known."""
        shape = (len(places), *IMAGE_SHAPE)
        if known:
            pictures = np.empty(shape, dtype=np.uint8)
            self._fill(pictures, frames, places)
            return pictures
        doubtful = [GameState(frame) for frame in frames]
        try:
            found = apart(
                lambda out: self._fill(out.reshape(shape), doubtful, places),
                math.prod(shape),
                seconds=_SECONDS + len(doubtful) * _SECONDS_A_FRAME,
            )
        except Died as error:
            raise UserError(
                f"{self.game}: expected states that Procgen can draw, but a copy of this process "
                f"did not live through these {len(doubtful):,}: {error}. Pass states of "
                "get_states(), or undo the edit"
            ) from error
        return found.reshape(shape)

    def _fill(self, pictures: np.ndarray, frames: Iterable[bytes], places: np.ndarray) -> None:
        frames = iter(frames)
        for start in range(0, len(places), _BATCH):
            batch = list(islice(frames, _BATCH))
            padded = batch + batch[-1:] * (_BATCH - len(batch))
            pictures[places[start : start + _BATCH]] = self._env.set_states(padded)[: len(batch)]


def _known(drawings: Sequence[DrawableState]) -> bool:
    return all(one.known for one in drawings)
