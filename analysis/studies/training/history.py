"""One measure of one policy along its training: its values, and when it moved.

A history is known at kept steps, with the same bootstrap replicates at each, so that an onset is
computed within each replicate. An onset that does not exist is NaN and says why.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from analysis.measures.onset import direction, half_way, one_start, together
from analysis.records.values import OK, RETURN, Cell, Cells, Starts, value_row
from checkpoints.policy.ids import PolicyId

FAILED = "failed"
"""A fault ended the run."""
BY_FIRST = "by the first step"
"""Half of the way was covered before anything was kept: the onset is a bound."""


class Event(NamedTuple):
    """When something happened."""

    draws: Float[np.ndarray, " r"]
    """log2 of steps, or a difference of such, NaN where there is none"""
    verdict: str

    @property
    def there(self) -> bool:
        """Whether there is an estimate."""
        return bool(np.isfinite(self.draws[0]))


@dataclass(frozen=True, eq=False)
class History:
    """One measure of one policy at its kept steps."""

    policy: PolicyId
    """without a step"""
    measure: str
    layer: str
    steps: Int[np.ndarray, " step"]
    cells: tuple[Cell, ...]
    """one for each step"""
    starts: Float[np.ndarray, "network r"]
    """of untrained networks; a row of NaN for one that has no value"""
    stopped: str = ""
    """why there is no onset, if the run was to go on beyond its last step"""

    @cached_property
    def draws(self) -> Float[np.ndarray, "step r"]:
        """Values at each step."""
        return np.stack([cell.draws for cell in self.cells])

    @cached_property
    def known(self) -> np.ndarray:
        """(step,) which steps have a value."""
        return np.isfinite(self.draws).all(axis=1)

    @cached_property
    def networks(self) -> Float[np.ndarray, "network r"]:
        """Untrained networks that have a value; none of them may."""
        return self.starts[np.isfinite(self.starts).all(axis=1)]

    @property
    def start(self) -> float:
        """Before training; NaN where that is not defined."""
        return float(self.networks[:, 0].mean()) if len(self.networks) else np.nan

    @cached_property
    def onset(self) -> Event:
        """Where half of the way is covered, or why that cannot be said."""
        nowhere = np.full(self.starts.shape[1], np.nan)
        if self.stopped:
            return Event(nowhere, self.stopped)
        if not self.known[-1]:
            why = self.cells[-1].verdict
            return Event(nowhere, "undefined in a replicate" if why == OK else why)
        late = not len(self.networks)
        # Two values alone are half of the way apart in the middle, whatever they are.
        if self.known.sum() < 2 + late:
            return Event(nowhere, "too few steps")
        steps, values = self.steps[self.known], self.draws[self.known]
        starts = values[:1] if late else self.networks
        moved = direction(starts, values[-1])
        if self.measure == RETURN and moved < 1:
            return Event(nowhere, "earns no more than untrained")
        if not moved:
            return Event(nowhere, "did not move")
        found = half_way(steps, values, one_start(starts, seed=0))
        if found[0] <= np.log2(steps[0]):
            return Event(found, BY_FIRST)
        return Event(found, f"untrained undefined: from step {steps[0]}" if late else OK)

    def after(self, other: "History") -> Event:
        """How many octaves its onset comes after that of ``other``."""
        mine, its = self.onset, other.onset
        found = mine.draws - its.draws
        if not mine.there:
            return Event(found, mine.verdict)
        if not its.there:
            return Event(found, f"{other.measure}: {its.verdict}")
        mine_early, its_early = (one.verdict == BY_FIRST for one in (mine, its))
        if mine_early and its_early:
            return Event(np.full_like(found, np.nan), "both by the first step")
        verdict = "at most" if mine_early else "at least" if its_early else mine.verdict
        return Event(found, verdict)

    def increments(self, other: "History") -> tuple[float, int]:
        """Rank correlation of increments with ``other`` on the steps that both know; how many."""
        shared = np.intersect1d(self.steps[self.known], other.steps[other.known])
        sides = []
        for one in (self, other):
            values = one.draws[np.isin(one.steps, shared), 0]
            sides.append(np.concatenate([[one.start], values]))
        defined = np.isfinite(sides).all(axis=0)
        x, y = (side[defined] for side in sides)
        return together(x, y), max(len(x) - 1, 0)

    def rows(self) -> Iterator[dict[str, Any]]:
        """A row a step, columns as in :data:`analysis.records.values.VALUES`."""
        for step, cell in zip(self.steps.tolist(), self.cells, strict=True):
            yield value_row(replace(self.policy, step=step), self.measure, self.layer, cell)


def lineage(policy: PolicyId) -> PolicyId:
    """The policy without its step."""
    return PolicyId(policy.game, policy.method, policy.seed, policy.peer or 0)


def make_histories(
    found: Mapping[PolicyId, Cells],
    starts: Mapping[PolicyId, Starts],
    reach: Mapping[str, int],
    failed: Collection[PolicyId] = (),
) -> list[History]:
    """Histories of one game from what was found at each step.

    Args:
        found: policy -> measures; a measure must stand at each step of a policy.
        starts: policy without step -> measure -> of untrained networks; a measure may be missing.
        reach: method -> step up to which its runs were to be trained.
        failed: runs that a fault ended.
    """
    histories = []
    for policy in sorted({lineage(one) for one in found}):
        own = sorted((one for one in found if lineage(one) == policy), key=lambda p: p.step or 0)
        steps = np.array([one.step or 0 for one in own])
        for key in found[own[0]]:
            cells = tuple(found[one][key] for one in own)
            nothing = np.full((1, len(cells[0].draws)), np.nan)
            start = starts[policy].get(key, nothing)
            stopped = "cut short" if steps[-1] < reach.get(policy.method, 0) else ""
            stopped = FAILED if policy.run in failed else stopped
            histories.append(History(policy, *key, steps, cells, start, stopped))
    return histories
