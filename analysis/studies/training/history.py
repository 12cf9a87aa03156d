"""One measure of one policy along its training: its values, and when it moved.

A track is known at kept steps, with the same bootstrap replicates at each, so that an onset is
computed within each replicate. An onset that does not exist is NaN and says why.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from analysis.measures.onset import direction, half_way, one_start, together
from analysis.records.tables import Column, Schema
from checkpoints.policy.ids import PolicyId

RETURN = "return"
"""The measure that all others are held against: return on unseen levels."""
OK = "ok"
BY_FIRST = "by the first step"
"""Half of the way was covered before anything was kept: the onset is a bound."""

_NAMES = (
    Column("game", "text", "one of the 16"),
    Column("id", "text", "the policy"),
    Column("method", "text", "its training recipe"),
    Column("seed", "int", "of its training", low=0),
    Column("peer", "int", "which of its group", low=0),
)
VALUES = (
    *_NAMES,
    Column("step", "int", "environment steps of this peer", "steps", low=0),
    Column("measure", "text", "see the command's help"),
    Column("layer", "text", "of its encoder, or what else the measure is about"),
    Column("value", "float", "estimate, in the measure's own unit"),
    Column("low", "float", "2.5 % point of the bootstrap over levels"),
    Column("high", "float", "97.5 % point of the bootstrap over levels"),
    Column("verdict", "text", "ok, or why there is no value"),
)


def values_schema(name: str) -> Schema:
    """A value with its interval for each policy, step, measure and layer."""
    return Schema(name, VALUES, key=("id", "measure", "layer"))


class Cell(NamedTuple):
    """A measure at one step."""

    draws: Float[np.ndarray, " r"]
    """the estimate, then the replicates; NaN unless the verdict is ok"""
    verdict: str = OK


class Timing(NamedTuple):
    """When something happened."""

    draws: Float[np.ndarray, " r"]
    """log2 of steps, or a difference of such, NaN where there is none"""
    verdict: str

    @property
    def there(self) -> bool:
        """Whether there is an estimate."""
        return bool(np.isfinite(self.draws[0]))


@dataclass(frozen=True, eq=False)
class Track:
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
    cut: bool = False
    """whether the run was to go on beyond its last step"""

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
    def onset(self) -> Timing:
        """Where half of the way is covered, or why that cannot be said."""
        nowhere = np.full(self.starts.shape[1], np.nan)
        if self.cut:
            return Timing(nowhere, "cut short")
        if not self.known[-1]:
            why = self.cells[-1].verdict
            return Timing(nowhere, "undefined in a replicate" if why == OK else why)
        late = not len(self.networks)
        # Two values alone are half of the way apart in the middle, whatever they are.
        if self.known.sum() < 2 + late:
            return Timing(nowhere, "too few steps")
        steps, values = self.steps[self.known], self.draws[self.known]
        starts = values[:1] if late else self.networks
        moved = direction(starts, values[-1])
        if self.measure == RETURN and moved < 1:
            return Timing(nowhere, "nothing learned")
        if not moved:
            return Timing(nowhere, "did not move")
        found = half_way(steps, values, one_start(starts, seed=0))
        if found[0] <= np.log2(steps[0]):
            return Timing(found, BY_FIRST)
        return Timing(found, f"untrained undefined: from step {steps[0]}" if late else OK)

    def after(self, other: "Track") -> Timing:
        """How many octaves its onset comes after that of ``other``."""
        mine, its = self.onset, other.onset
        found = mine.draws - its.draws
        if not mine.there:
            return Timing(found, mine.verdict)
        if not its.there:
            return Timing(found, f"{other.measure}: {its.verdict}")
        mine_early, its_early = (one.verdict == BY_FIRST for one in (mine, its))
        if mine_early and its_early:
            return Timing(np.full_like(found, np.nan), "both by the first step")
        verdict = "at most" if mine_early else "at least" if its_early else mine.verdict
        return Timing(found, verdict)

    def increments(self, other: "Track") -> tuple[float, int]:
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
        """A row a step, columns as in :data:`VALUES`."""
        for step, cell in zip(self.steps.tolist(), self.cells, strict=True):
            one = PolicyId(*_lineage(self.policy), step)
            yield value_row(one, self.measure, self.layer, cell)


def _lineage(policy: PolicyId) -> tuple[str, str, int, int]:
    return policy.game, policy.method, policy.seed, policy.peer or 0


def value_row(policy: PolicyId, measure: str, layer: str, cell: Cell) -> dict[str, Any]:
    """One row of :data:`VALUES`."""
    low, high = np.quantile(cell.draws[1:], [0.025, 0.975])
    game, method, seed, peer = _lineage(policy)
    names = {"game": game, "id": str(policy), "method": method, "seed": seed, "peer": peer}
    what = {"step": policy.step or 0, "measure": measure, "layer": layer}
    return {**names, **what, "value": cell.draws[0], "low": low, "high": high,
            "verdict": cell.verdict}  # fmt: skip
