"""A synthetic table of similarities: made up, and nobody's result."""

from itertools import product

import numpy as np

LAYERS = ("conv1", "conv2", "conv3", "hidden")


def similarity(rng: np.random.Generator) -> list[dict]:
    """Peers alike everywhere; one corner of the untrained map is chance; SVCCA is not tested."""
    rows = []
    pairs = {"mutual peers": 0.9, "ppo seeds": 0.7, "untrained": 0.4, "mutual vs ppo": 0.7}
    names = "cka", "cka_deconfounded", "cka_rbf", "neighbours", "svcca"
    for game, (pair, like), name, (i, j) in product(
        ("coinrun", "jumper"), pairs.items(), names, np.ndindex(4, 4)
    ):
        value = like - 0.1 * abs(i - j) + rng.normal(0, 0.01)
        chance = (pair, i, j) == ("untrained", 0, 3)
        tested = dict(p_max=0.6 if chance else 0.002, calibrated=0.0 if chance else value - 0.1)
        if name == "svcca":
            tested = dict.fromkeys(tested, np.nan)
        rows.append(
            dict(
                game=game, id_x=f"{game}/{pair}/0", id_y=f"{game}/{pair}/1", pair=pair,
                measure=name, layer_x=LAYERS[i], layer_y=LAYERS[j], states=600, levels=200,
                value=value, low=value - 0.03, high=value + 0.03, agreement=0.5, **tested,
            )
        )  # fmt: skip
    return rows
