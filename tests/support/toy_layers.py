"""Synthetic tables of what single layers hold: made up, and nobody's result."""

from itertools import product

import numpy as np

from tests.support.toy_rows import GAMES, GROUPS, LAYERS, around, policy

CONTRASTS = ("mutual peers - ppo seeds", "mutual self - ppo self")


def cka(rng: np.random.Generator) -> list[dict]:
    """Alike early, less so late; one negative number, one number missing."""
    trained = ("mutual", "ppo")
    pairs = [("mutual peers", "mutual", "mutual"), ("ppo seeds", "ppo", "ppo")]
    pairs += [("mutual vs ppo", *trained), ("untrained", "untrained", "untrained")]
    pairs += [("ppo vs untrained", "ppo", "untrained")]
    pairs += [("self", method, method) for method in (*trained, "untrained")]
    rows = []
    for game, (pair, x, y), rendering in product(GAMES[:2], pairs, ("same", "twin")):
        if pair == "self" and rendering == "same":
            continue
        who = dict(game=game, method_x=x, method_y=y, pair=pair, rendering=rendering)
        for number, (i, j) in product(range(2), np.ndindex(4, 4)):
            value = 0.95 - 0.12 * abs(i - j) - 0.1 * (i + j) / 2 - 0.15 * (rendering == "twin")
            value = np.nan if (x, i, j, number) == ("untrained", 0, 3, 0) else value
            value = -0.03 if (x, i, j) == ("untrained", 3, 0) else value + rng.normal(0, 0.02)
            ids = dict(id_x=f"{game}/{x}/{number}", id_y=f"{game}/{y}/{number + (pair != 'self')}")
            cell = dict(layer_x=LAYERS[i], layer_y=LAYERS[j], states=2000, levels=100)
            rows.append({**who, **ids, **cell, **around(value, 0.05, "cka", "low", "high")})
    return rows


def cka_contrast(rng: np.random.Generator) -> list[dict]:
    """Small positive differences; of peers there is one run."""
    rows = []
    kinds = [(contrast, kind) for contrast in CONTRASTS for kind in ("same", "twin")]
    # A policy agrees with itself on the same picture: there is nothing to subtract.
    kinds.remove((CONTRASTS[1], "same"))
    for game, (contrast, rendering), layer in product(GAMES[:2], kinds, LAYERS):
        who = dict(game=game, rendering=rendering, layer=layer, contrast=contrast)
        who |= dict(runs=1 if contrast == CONTRASTS[0] else 3, runs_other=2)
        rows.append({**who, **around(rng.normal(0.05, 0.05), 0.06, "difference", "low", "high")})
    return rows


def invariance(rng: np.random.Generator) -> list[dict]:
    """Rising with depth; one layer collapsed, one group of backgrounds vacuous, an older step."""
    rows = []
    groups = [(*group, step) for group in GROUPS for step in (2**19, 2**21)]
    cases = product(GAMES[:2], [*groups, ("untrained", 0, 0, 0)], LAYERS, ("all", "unseen"))
    for game, (method, seed, peer, step), layer, kind in cases:
        value = 0.0 if method == "untrained" else 0.1 + 0.2 * LAYERS.index(layer)
        value += rng.normal(0, 0.02)
        gone = (game, method, seed, layer) == ("coinrun", "ppo", 1, "hidden")
        verdict = "vacuous" if kind == "unseen" else "collapsed" if gone else "ok"
        value = value if verdict == "ok" else np.nan
        what = dict(layer=layer, backgrounds=kind, verdict=verdict)
        what |= around(value, 0.03, "icc", "icc_low", "icc_high")
        what |= dict(effective_rank=1.1 if gone else 12.0, cosine_chance=0.5)
        what |= around(rng.uniform(0.6, 0.9), 0.02, "cosine")
        rows.append({**policy(game, method, seed, peer, step), **what})
    return rows


def erasure(rng: np.random.Generator) -> list[dict]:
    """Every trained policy loses some dependence on the background; the untrained has none."""
    rows, groups = [], [*GROUPS, ("untrained", 0, 0)]
    kinds = ("background", "random", "shuffled")
    for game, group, layer, kind in product(GAMES[:2], groups, LAYERS, kinds):
        own = kind == "background"
        removed = rng.uniform(0.1, 0.5) if own else rng.uniform(-0.02, 0.02)
        verdict = "undecided" if group[0] == "untrained" else "used"
        what = dict(layer=layer, kind=kind, verdict=verdict if own else "control")
        what |= dict(chance=0.2, decoded=0.9, decoded_after=0.4 if own else np.nan)
        rows.append({**policy(game, *group), **what, **around(removed, 0.05, "removed")})
    return rows


def probes(rng: np.random.Generator) -> list[dict]:
    """Task factors that get clearer with depth, a background that fades, one factor constant."""
    rows, groups = [], [*GROUPS, ("untrained", 0, 0)]
    sources = [(f"{m}/{s}/peer{p}/step1", m, layer) for m, s, p in groups for layer in LAYERS]
    sources += [("pixels", "pixels", "pixels"), ("time", "time", "time")]
    factors = [("agent_x", "task", "picture"), ("goal_dx", "task", "picture")]
    factors += [("agent_vx", "task", "motion"), ("background", "nuisance", "picture")]
    factors += [("wall_theme", "nuisance", "picture")]
    for game, (name, method, layer), (factor, role, scope) in product(GAMES[:2], sources, factors):
        depth = LAYERS.index(layer) if layer in LAYERS else 0
        score = 0.95 - 0.1 * depth if factor == "background" else 0.2 + 0.1 * depth
        score = score + rng.normal(0, 0.02) if factor != "wall_theme" else np.nan
        name = name if method in ("pixels", "time") else f"{game}/{name}"
        who = dict(game=game, id=name, method=method, step=1, layer=layer)
        what = dict(factor=factor, role=role, scope=scope)
        what |= dict(verdict="constant" if factor == "wall_theme" else "ok", score=score)
        what |= dict(chance=0.25 if factor == "background" else 0.0)
        moved = np.nan if factor == "background" or method == "time" else score - 0.1
        rows.append({**who, **what, "transfer": moved})
    return rows
