"""Minimum description length: how many bits a factor takes to send to one who has the layer.

A score says how well a probe ends up, a code also how much data that took. The online (prequential)
code of Voita and Titov 2020, section 2.2, sends the states in growing blocks of levels, each coded
by the probe that was fitted on all before it; the first block is sent by the uniform code.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from probes.readers.crossfit import Task, by_classes
from probes.readers.descent import Problems, minimise, with_one
from probes.readers.solver import PENALTIES, Basis, patterns

SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
"""of the levels sent by the end of each block"""
STEPS = 256
"""A number is sent to 1/256 of its range: 8 bits by the uniform code."""
_ROUGH = 1e-4  # nats a state


def description_bits(
    x: np.ndarray,
    tasks: Sequence[Task],
    levels: np.ndarray,
    *,
    penalties: Sequence[float] = PENALTIES,
    seed: int = 0,
) -> Float[np.ndarray, " task"]:
    """Length of the online code of each task, bits a state.

    The penalty is part of the message: the best of all, for log₂(their number) bits. Classes are
    coded by logistic regression of equal states, mixed with the uniform law, which weighs k/2
    states. Numbers are coded by Bayesian ridge regression, w ~ N(0, σ²/α): a normal density, times
    the width of a step, of variance σ²(1 + 1/n + xᵀ(XᵀX + αI)⁻¹x) with the σ² of greatest
    marginal likelihood, (Σ(y − ŷ)² + α‖w‖²)/n, and width²/12 for the rounding.

    Args:
        x: (n, d) features of one layer.
        tasks: numbers must vary.
        levels: (n,) level of each state: blocks are made of whole levels.
        penalties: to choose from, strongest first.
        seed: of the order of the levels.
    """
    block = blocks(levels, seed)
    bits = np.zeros((len(penalties), len(tasks)))
    bits[:] = [uniform_bits(task) * (~np.isnan(task.values[block == 0])).sum() for task in tasks]
    for step in range(1, len(SHARES)):
        before, now = block < step, block == step
        basis = Basis.fit(x[before])
        z = basis.transform(x[now])
        classes = []
        for k, places, y in by_classes(tasks):
            if k:
                classes.append((k, places, y))
            else:
                ends = np.nanmin(y, axis=0), np.nanmax(y, axis=0)
                bits[:, places] += _number_bits(basis, y[before], z, y[now], ends, penalties)
        known = [(y[before], k) for k, _, y in classes]
        new = [y[now] for _, _, y in classes]
        found = _class_bits(basis, known, z, new, penalties)
        for (_, places, _), one in zip(classes, found, strict=True):
            bits[:, places] += one
    sent = np.array([(~np.isnan(task.values)).sum() for task in tasks])
    return (bits.min(axis=0) + np.log2(len(penalties))) / sent


def uniform_bits(task: Task) -> float:
    """Length of the uniform code, bits a state."""
    return float(np.log2(task.k or STEPS))


def blocks(levels: np.ndarray, seed: int = 0) -> Int[np.ndarray, " state"]:
    """The block, 0 to 4, in which each state is sent; levels stay whole and come shuffled."""
    names, level = np.unique(levels, return_inverse=True)
    place = np.random.default_rng(seed).permutation(len(names))
    return np.searchsorted(np.array(SHARES), (place[level] + 1) / len(names) - 1e-12)


def _class_bits(
    basis: Basis,
    groups: Sequence[tuple[np.ndarray, int]],
    z: np.ndarray,
    new: Sequence[np.ndarray],
    penalties: Sequence[float],
) -> list[Float[np.ndarray, "penalty task"]]:
    """Bits of a block's classes, for each penalty, of groups of tasks of as many classes."""
    if not groups:
        return []
    single = with_one(basis.z).astype(np.float32)
    fits = [Problems(single, y, k, None, False) for y, k in groups]
    n = [(~np.isnan(y)).sum(axis=0)[:, None] for y, _ in groups]
    truth = [np.stack([y.T == c for c in range(k)]) for y, (_, k) in zip(new, groups, strict=True)]
    found = [np.empty((len(penalties), y.shape[1])) for y in new]
    everyone = [np.arange(fit.count) for fit in fits]
    for place, alpha in enumerate(penalties):
        minimise(fits, everyone, [np.full(fit.count, alpha) for fit in fits], _ROUGH)
        for i, fit in enumerate(fits):
            p, k = fit.probabilities(z), groups[i][1]
            p = (p * n[i] + 0.5) / (n[i] + k / 2)
            found[i][place] = -(np.log2(p) * truth[i]).sum(axis=(0, 2))
    return found


def _number_bits(
    basis: Basis,
    y: np.ndarray,
    z: np.ndarray,
    new: np.ndarray,
    ends: tuple[np.ndarray, np.ndarray],
    penalties: Sequence[float],
) -> Float[np.ndarray, "penalty task"]:
    """Bits of a block's numbers, for each penalty; ``ends`` are those of the tasks' ranges."""
    found = np.zeros((len(penalties), y.shape[1]))
    for rows, columns in patterns(y):
        width = (ends[1] - ends[0])[columns] / STEPS
        if rows.sum() < 2:
            sent = (~np.isnan(new[:, columns])).sum(axis=0)
            found[:, columns] = sent * np.log2(STEPS)
            continue
        part = basis if rows.all() else Basis.fit(basis.z[rows], standardise=False)
        at = z if rows.all() else part.transform(z)
        n, centre = rows.sum(), y[np.ix_(rows, columns)].mean(axis=0)
        target = y[np.ix_(rows, columns)] - centre
        zy = part.z.T @ target
        for place, alpha in enumerate(penalties):
            w = zy / (part.lam + alpha)[:, None]
            # Σ(y − ŷ)² + α‖w‖² = yᵀ(y − ŷ) at the minimum.
            noise = (target**2).sum(axis=0) - (zy * w).sum(axis=0)
            noise = np.maximum(noise, 0) / n
            variance = noise * (1 + 1 / n + (at**2 / (part.lam + alpha)).sum(axis=1))[:, None]
            variance += width**2 / 12
            error = new[:, columns] - centre - at @ w
            nats = error**2 / variance / 2 + np.log(2 * np.pi * variance) / 2 - np.log(width)
            found[place, columns] = np.nansum(nats, axis=0) / np.log(2)
    return found
