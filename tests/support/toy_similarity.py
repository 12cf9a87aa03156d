"""Synthetic tables of similarities: made up, and nobody's result."""

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
                game=game,
                id_x=f"{game}/{pair}/0",
                id_y=f"{game}/{pair}/1",
                pair=pair,
                measure=name,
                layer_x=LAYERS[i],
                layer_y=LAYERS[j],
                states=600,
                levels=200,
                value=value,
                low=value - 0.03,
                high=value + 0.03,
                agreement=0.5,
                agreement_chance=0.375,
                kappa=np.nan if pair == "untrained" else 0.2,
                **tested,
            )
        )
    return rows


def similarity_nulls(rng: np.random.Generator) -> list[dict]:
    """Four nulls of one pair of peers, one of them nobody; SVCCA has no interval."""
    rows = []
    nulls = {
        ("ppo seeds", "all"): (0.3, 0.3),
        ("ppo seeds", "agreed"): (0.1, 1.0),
        ("ppo at equal kappa", "all"): (np.nan, 0.3),
        ("permuted levels", "all"): (0.8, 0.1),
    }
    kappas = {0.1: -0.125, 0.3: 0.125, 0.9: 0.875, 1.0: 1.0}
    names = "cka", "cka_deconfounded", "neighbours", "svcca"
    for game, ((null, on), (apart, agreed)), name, layer in product(
        ("coinrun", "jumper"), nulls.items(), names, LAYERS
    ):
        difference = apart + rng.normal(0, 0.01)
        own = 1.0 if on == "agreed" else 0.9
        wide = np.nan if name == "svcca" else 0.05
        rows.append(
            dict(
                game=game,
                peers="a b",
                null=null,
                null_pair="none within 0.05" if null == "ppo at equal kappa" else "c d",
                on=on,
                measure=name,
                layer=layer,
                states=144 if on == "agreed" else 600,
                levels=100,
                value=0.9,
                null_value=0.9 - difference,
                difference=difference,
                low=difference - wide,
                high=difference + wide,
                agreement=own,
                agreement_chance=0.2,
                kappa=kappas[own],
                null_agreement=agreed,
                null_agreement_chance=0.2,
                null_kappa=kappas[agreed],
                matched=on == "agreed",
            )
        )
    return rows


def similarity_outliers(rng: np.random.Generator) -> list[dict]:
    """Curves that fall a little; one layer of one pair does not vary."""
    rows = []
    pairs = {"mutual peers": 0.9, "ppo seeds": 0.7, "untrained": 0.4}
    for game, (pair, like), layer, trimmed in product(
        ("coinrun", "jumper"), pairs.items(), LAYERS, (0.0, 0.01, 0.05, 0.2)
    ):
        dead = (pair, layer) == ("ppo seeds", "hidden")
        cka = np.nan if dead else like - trimmed + rng.normal(0, 0.01)
        rows.append(
            dict(
                game=game,
                id_x=f"{game}/{pair}/0",
                id_y=f"{game}/{pair}/1",
                pair=pair,
                layer=layer,
                trimmed=trimmed,
                states=round(600 * (1 - trimmed)),
                cka=cka,
                low=cka - 0.03,
                high=cka + 0.03,
            )
        )
    return rows
