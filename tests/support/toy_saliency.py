"""Synthetic tables and tiles of saliency maps: made up, and nobody's result."""

from itertools import product
from pathlib import Path

import numpy as np
from matplotlib.image import imsave
from PIL import Image

GAMES = ("coinrun", "starpilot")
POLICIES = (("mutual", 0, 1), ("ppo", 0, 0), ("ppo", 1, 0), ("untrained", 0, 0))
ATTRIBUTIONS = ("ig-twin", "gradcam-conv2", "gradient", "ig-black", "gradcam-conv1")


def saliency(rng: np.random.Generator) -> list[dict]:
    """Every map has more on sprites than chance; those from the twin are fixed."""
    rows = []
    cases = product(GAMES, POLICIES, ("button", "value"), ATTRIBUTIONS)
    for game, (method, seed, peer), target, attribution in cases:
        fixed = attribution == "ig-twin"
        rows.append(
            dict(
                game=game,
                id=f"{game}/{method}/{seed}/peer{peer}/step1",
                method=method,
                seed=seed,
                peer=peer,
                step=1,
                target=target,
                attribution=attribution,
                area=0.5,
                verdict="by construction" if fixed else "scored",
                **_with_ends("mass_over_area", 2.0 if fixed else rng.uniform(0.4, 0.9)),
                **_with_ends("sprites", 0.0 if fixed else rng.uniform(1.2, 3.0)),
                **_with_ends("faithful_amount", rng.uniform(-0.2, 0.7)),
                faithful_area=0.3,
            )
        )
    return rows


def _with_ends(name: str, value: float) -> dict[str, float]:
    return {name: value, f"{name}_low": 0.9 * value, f"{name}_high": 1.1 * value}


def saliency_sheet(rng: np.random.Generator, folder: Path) -> list[dict]:
    """Two states of each game, two policies, one map left out; maps that count their places."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    states = list(product(GAMES, (3, 7)))
    for line, (game, state) in enumerate(states):
        for place, (method, seed, peer) in enumerate(POLICIES[:2]):
            for column, attribution in enumerate(ATTRIBUTIONS):
                gone = (line, place, column) == (0, 0, 1)
                rows.append(
                    dict(
                        game=game,
                        id=f"{game}/{method}/{seed}/peer{peer}/step1",
                        method=method,
                        attribution=attribution,
                        state=state,
                        level=17,
                        button=2,
                        change=0.25,
                        mask_area=0.5,
                        mass_over_area=np.nan if gone else rng.uniform(0.2, 2.0),
                        picture_line=line,
                        map_line=2 * line + place,
                        map_column=column,
                    )
                )
    pictures = rng.integers(0, 255, (64 * len(states), 192, 3), dtype=np.uint8)
    imsave(folder / "pictures.png", pictures)
    lines, columns = 2 * len(states), len(ATTRIBUTIONS)
    tiles = np.arange(lines * columns, dtype=np.uint8).reshape(lines, columns)
    Image.fromarray(tiles.repeat(64, 0).repeat(64, 1)).save(folder / "maps.png")
    return rows
