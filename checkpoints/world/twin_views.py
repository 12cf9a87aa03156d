"""Views that are twins: the state a peer is in, on another background of its training."""

import numpy as np
from jaxtyping import UInt8

from checkpoints.console import UserError
from checkpoints.world.environments import ProcgenVectorEnv
from checkpoints.world.games import get_game
from checkpoints.world.renderer import Renderer
from checkpoints.world.states import for_drawing


class TwinViews:
    """Draws the present states of some environments, each on another training background.

    Backgrounds that training does not show are never drawn: they stay unseen.
    """

    def __init__(self, env: ProcgenVectorEnv) -> None:
        """Make ready; ``UserError`` if training shows one background only, and so no twins."""
        self.env = env
        shown = env.backgrounds or get_game(env.game).trained_backgrounds(env.mode)
        if len(shown) < 2:
            raise UserError(
                f"expected a game with two backgrounds in training or more, to draw twins of its "
                f"states, got {env.game} in {env.mode} mode with {len(shown)}; narrow it to some, "
                "as in drac-twins-bg9, or train drac"
            )
        self.backgrounds = np.array(shown)
        self._renderer = Renderer(env.game)

    def draw(self, draws: np.random.Generator) -> UInt8[np.ndarray, "env 64 64 3"]:
        """A twin of each environment's state, on a background drawn uniformly from the others."""
        drawings = [for_drawing(state, self.env.game) for state in self.env.get_states()]
        own = np.searchsorted(self.backgrounds, [drawing.own for drawing in drawings])
        count = len(self.backgrounds)
        other = (own + draws.integers(1, count, len(own))) % count
        return self._renderer.draw_each(drawings, self.backgrounds[other].tolist())
