"""Crafter on other grass: ``python examples/crafter_grass.py`` writes crafter_grass.npz.

Grass is drawn from another texture; nothing else of the game changes. The mask is found by drawing
black and white grass. pip install -r examples/crafter_grass.requirements.txt
"""

import copy
import itertools
from pathlib import Path
from typing import Any

import crafter
import numpy as np
from export import export

COLOURS = {
    "meadow": None,
    "sand": (214, 190, 120),
    "snow": (226, 232, 240),
    "ash": (84, 82, 90),
    "heather": (140, 84, 150),
    "brick": (176, 84, 60),
}
_numbers = itertools.count()


def _number(thing: Any) -> int:
    """Crafter keeps things in sets, whose order hangs on addresses: a copy would go another way."""
    return int(thing.__dict__.setdefault("_number", next(_numbers)))


crafter.objects.Object.__hash__ = _number


class Crafter:
    """Crafter with its grass exchanged; a level is a seed."""

    def reset(self, level: int) -> None:
        """Begin an episode of a level."""
        self.env = crafter.Env(seed=level)
        self.env.reset()
        self.grass = self.env._textures._originals["grass"]

    def step(self, action: int) -> bool:
        """Act; whether the episode goes on."""
        return not self.env.step(action)[2]

    def save(self) -> Any:
        """A copy of the game."""
        return self._copy(self.env)

    def restore(self, state: Any) -> None:
        """A copy of the saved one, which may be restored again."""
        self.env = self._copy(state)

    def draw(self, variant: int) -> np.ndarray:
        """The picture on one of the grasses."""
        colour = list(COLOURS.values())[variant]
        if colour is None:
            return self._on(self.grass)
        light = self.grass[..., :3].mean(-1, keepdims=True)
        shade = light / light.mean()
        return self._on(np.clip(shade * np.array(colour), 0, 255).astype(np.uint8))

    def mask(self) -> np.ndarray:
        """Where black and white grass differ."""
        black, white = (np.full_like(self.grass[..., :3], value) for value in (0, 255))
        return (self._on(black) != self._on(white)).any(-1)

    def factors(self) -> dict[str, float | int]:
        """Health, and what time of day it is."""
        return {
            "health": float(self.env._player.health),
            "daylight": float(self.env._world.daylight),
            "facing": int(np.dot(self.env._player.facing, (1, 2))),
        }

    def _copy(self, env: Any) -> Any:
        textures = self.env._textures  # shared: pictures decide nothing
        return copy.deepcopy(env, {id(textures): textures})

    def _on(self, grass: np.ndarray) -> np.ndarray:
        textures, random = self.env._textures, self.env._world.random
        before = random.get_state()  # the night draws noise from the game's own generator
        textures._originals["grass"] = grass
        for key in [key for key in textures._textures if key[0] == "grass"]:
            del textures._textures[key]
        picture = self.env.render()
        random.set_state(before)
        return np.asarray(picture, dtype=np.uint8)


if __name__ == "__main__":
    meta = {"world": "crafter-grass", "variants": list(COLOURS), "actions": 17}
    target = Path(__file__).with_suffix(".npz")
    export(Crafter(), target, meta, lambda rng: int(rng.integers(17)))
