"""Atari in other colours: ``python examples/atari_palette.py`` writes atari_palette.npz.

Ms. Pac-Man's screen is kept as palette indices, and one index, the colour of the maze, is drawn in
other colours. What shares that index (nothing but the maze here) would change with it: the mask is
the index. pip install -r examples/atari_palette.requirements.txt
"""

from pathlib import Path
from typing import Any

import numpy as np
from ale_py import ALEInterface, LoggerMode, roms
from export import export

GAME, MAZE = "ms_pacman", 144
COLOURS = {
    "blue": None,
    "green": (30, 110, 50),
    "grey": (120, 120, 124),
    "violet": (96, 40, 120),
    "brown": (112, 76, 32),
    "teal": (0, 120, 128),
}


class Atari:
    """An emulator that draws by itself; a level is the seed of the first random steps."""

    def __init__(self) -> None:
        """Load the game and learn its palette."""
        ALEInterface.setLoggerMode(LoggerMode.Error)
        self.ale = ALEInterface()
        self.ale.setInt("random_seed", 1)
        self.ale.setFloat("repeat_action_probability", 0.0)
        self.ale.loadROM(roms.get_rom_path(GAME))
        self.actions = self.ale.getMinimalActionSet()
        self.palette = np.zeros((256, 3), dtype=np.uint8)

    def reset(self, level: int) -> None:
        """Begin an episode, and act at random as the level says."""
        self.ale.reset_game()
        for _ in range(270):  # the opening tune
            self.ale.act(self.actions[0])
        rng = np.random.default_rng(level)
        for _ in range(int(rng.integers(20, 200))):
            self.ale.act(self.actions[rng.integers(len(self.actions))])
        self._look()

    def step(self, action: int) -> bool:
        """Act; whether the episode goes on."""
        self.ale.act(self.actions[action])
        self._look()
        return not self.ale.game_over()

    def save(self) -> Any:
        """The emulator, and the screen, which it does not put back."""
        return self.ale.cloneState(), self.screen.copy()

    def restore(self, state: Any) -> None:
        """Put both back."""
        self.ale.restoreState(state[0])
        self.screen = state[1].copy()

    def draw(self, variant: int) -> np.ndarray:
        """The screen with the maze in a colour."""
        palette, colour = self.palette.copy(), list(COLOURS.values())[variant]
        if colour is not None:
            palette[MAZE] = colour
        return palette[self.screen]

    def mask(self) -> np.ndarray:
        """Where the screen has the maze's index."""
        return self.screen == MAZE

    def factors(self) -> dict[str, float | int]:
        """Lives, and how much is left to eat: pixels of the dots."""
        return {"lives": int(self.ale.lives()), "dots": float((self.screen == 74).sum())}

    def _look(self) -> None:
        self.screen = self.ale.getScreen().copy()
        colours = self.ale.getScreenRGB()
        self.palette[self.screen] = colours


if __name__ == "__main__":
    scene = Atari()
    count = len(scene.actions)
    meta = {"world": "atari-maze", "variants": list(COLOURS), "actions": count}
    target = Path(__file__).with_suffix(".npz")
    export(scene, target, meta, lambda rng: int(rng.integers(count)), levels=16, apart=(8, 24))
