"""Which states fit a probe and which test it: no level, and no picture, is on both sides.

Two frames of one level share layout and themes, and two levels can look the same. A probe that is
tested on what it has seen before is tested on its memory.
"""

import numpy as np
from jaxtyping import Bool, Int

from analysis.measures.hsic import check_finite
from checkpoints.console import UserError

FOLDS = 5
"""Parts that the levels are dealt into, unless another number is asked for."""


def deal_folds(
    levels: np.ndarray, observations: np.ndarray | None = None, *, folds: int = FOLDS, seed: int = 0
) -> Int[np.ndarray, " state"]:
    """The fold of each state: whole levels, with every level that shares a picture with them.

    Args:
        levels: (n,) level of each state.
        observations: (n, …) pictures; levels with a picture in common, byte by byte, stay
            together. None: the levels alone decide.
        folds: how many, at least 2.
        seed: of the deal; the same seed deals the same folds.

    Returns:
        (n,) numbers 0 to ``folds - 1``, of about equally many states each.

    Raises:
        UserError: a single level, fewer groups of levels than folds, unequal lengths.
    """
    levels = np.asarray(levels)
    if levels.ndim != 1 or (observations is not None and len(observations) != len(levels)):
        count = "none" if observations is None else len(observations)
        raise UserError(
            f"expected one level per state, got levels {levels.shape} and {count} observations; "
            f"pass both for the same states"
        )
    if folds < 2:
        raise UserError(f"folds: expected at least 2, got {folds}; {FOLDS} is usual")
    group = _groups(levels, observations)
    count = len(np.unique(group))
    if count < folds:
        there = len(np.unique(levels))
        same = f" that share no picture (of {there})" if there > count else ""
        raise UserError(
            f"expected at least {folds} levels, one a fold, got {count}{same}; gather states from "
            f"more levels, or ask for fewer folds"
        )
    # The largest groups first, each to the emptiest fold: sizes differ by less than one group.
    sizes = np.bincount(group)
    order = np.random.default_rng(seed).permutation(count)
    order = order[np.argsort(-sizes[order], kind="stable")]
    fold_of, filled = np.empty(count, dtype=np.int64), np.zeros(folds)
    for one in order:
        fold_of[one] = filled.argmin()
        filled[fold_of[one]] += sizes[one]
    return fold_of[group]


def _groups(levels: np.ndarray, observations: np.ndarray | None) -> Int[np.ndarray, " state"]:
    """Numbers 0, 1, … of the groups of levels that a chain of equal pictures joins."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    level = np.unique(levels, return_inverse=True)[1]
    if observations is None:
        return level.astype(np.int64)
    flat = np.ascontiguousarray(observations).reshape(len(levels), -1)
    known: dict[bytes, int] = {}
    picture = np.array([known.setdefault(row.tobytes(), len(known)) for row in flat])
    nodes = level.max() + 1 + len(known)
    edges = (np.ones(len(level)), (level, level.max() + 1 + picture))
    _, part = connected_components(coo_array(edges, shape=(nodes, nodes)), directed=False)
    return np.unique(part[level], return_inverse=True)[1].astype(np.int64)


def deal_within(levels: np.ndarray, folds: int = FOLDS, seed: int = 0) -> Int[np.ndarray, " state"]:
    """The opposite split: the states of *every* level dealt over all folds, for the control task.

    A state that is alone on its level is in one fold, and no other fold has seen its level.

    Args:
        levels: (n,) level of each state.
        folds: how many.
        seed: of the deal.
    """
    rng = np.random.default_rng(seed)
    order = np.lexsort((rng.random(len(levels)), np.asarray(levels)))
    fold = np.empty(len(levels), dtype=np.int64)
    fold[order] = np.arange(len(levels)) % folds
    return fold


def frequent(
    labels: np.ndarray, folds: Int[np.ndarray, " state"], least: int = 10
) -> Bool[np.ndarray, " state"]:
    """Which states have a label that is met often enough to be learnt and tested.

    A class is rare with fewer than ``least`` members, or with members in fewer than 3 folds: one
    outer and one inner fold can then hold all of it. Missing labels are NaN and not frequent.
    """
    keep = np.zeros(len(labels), dtype=bool)
    for name in np.unique(labels[~np.isnan(labels)]):
        mine = labels == name
        keep |= mine & (mine.sum() >= least and len(np.unique(folds[mine])) >= 3)
    return keep


def check_target(name: str, values: np.ndarray, folds: np.ndarray, *, classes: bool) -> None:
    """Raise ``UserError`` unless a factor can be probed on these folds.

    Args:
        name: of the factor, for the message.
        values: (n,) NaN where it is missing.
        folds: (n,) from :func:`deal_folds`.
        classes: values are names of classes, not numbers.

    Raises:
        UserError: all values missing or any infinite; one value in all states; a fold without a
            state; a class with one member, or with members in one fold only; numbers that are
            all equal without one of the folds.
    """
    present = ~np.isnan(values)
    if not present.any():
        raise UserError(f"{name}: expected values, got NaN in all {len(values)} states; leave it")
    if np.isinf(values).any():
        raise UserError(f"{name}: expected finite values or NaN, got inf; correct the factor")
    kinds, member, count = np.unique(values[present], return_inverse=True, return_counts=True)
    if len(kinds) < 2:
        raise UserError(
            f"{name}: expected a factor that varies, got {kinds[0]:g} in all {present.sum()} "
            f"states that have it; gather other states or leave it out"
        )
    empty = set(np.unique(folds).tolist()) - set(folds[present].tolist())
    if empty:
        raise UserError(
            f"{name}: expected states in every fold, got none in {sorted(empty)}: "
            f"{present.sum()} of {len(values)} have it; gather more states"
        )
    for fold in () if classes else np.unique(folds).tolist():
        rest = values[present & (folds != fold)]
        if (rest == rest[0]).all():
            raise UserError(
                f"{name}: expected numbers that vary whichever fold is held out, got {rest[0]:g} "
                f"in all {len(rest)} states outside fold {fold}; gather more states or leave it out"
            )
    for place, kind in enumerate(kinds if classes else ()):
        within = len(np.unique(folds[present][member == place]))
        if count[place] < 2 or within < 2:
            raise UserError(
                f"{name}: expected members of class {kind:g} in at least 2 folds, got "
                f"{count[place]} in {within}; leave the class out or gather more states"
            )


def check_features(x: np.ndarray, fewest: int = 1) -> None:
    """Raise ``UserError`` unless features are a finite (n, d) array, both at least ``fewest``."""
    if x.ndim != 2 or min(x.shape) < fewest:
        raise UserError(
            f"expected features of shape (states, features), none of them 0, got {x.shape}; flatten"
        )
    bad = ~np.isfinite(x)
    if bad.any():
        raise UserError(
            f"expected finite features, got NaN or inf in {bad.any(axis=1).sum()} of {len(x)} "
            f"states and {bad.any(axis=0).sum()} of {x.shape[1]} features; drop or repair them"
        )
    check_finite(x, "features")
