"""Every measure at every kept step of a game's policies, and their onsets."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from analysis.policies.subjects import Subject
from analysis.records.command import Frames
from analysis.records.values import EMERGENCE, EMERGENCE_ONSETS, OK, Cell, Cells, Starts
from analysis.studies.similarity.cka import PolicyGrams, same_layers
from analysis.studies.training import logged_returns, onsets
from analysis.studies.training.history import lineage
from analysis.studies.training.snapshot import cells_of, set_scene, view_of
from checkpoints.console import watch
from checkpoints.policy.ids import PolicyId
from checkpoints.world.games import Mode

SCHEMAS = EMERGENCE, EMERGENCE_ONSETS


class Emergence:
    """What one game's policies are shown, and what is measured of them; a ``Course``."""

    def __init__(
        self,
        game: str,
        mode: Mode,
        shown: Sequence[Sequence[int]],
        *,
        states: int,
        backgrounds: int,
        saliency_states: int,
        replicates: int,
        seed: int,
    ) -> None:
        """Gather states and draw their twins.

        Args:
            game: one of the 16.
            mode: Procgen's difficulty.
            shown: backgrounds that each run was trained on.
            states: on which all but saliency is measured.
            backgrounds: each is drawn on.
            saliency_states: whose gradients are taken.
            replicates: of the bootstrap over levels.
            seed: of the states and the bootstrap.
        """
        sizes = {"states": states, "backgrounds": backgrounds, "saliency_states": saliency_states}
        self.scene = set_scene(game, mode, shown, **sizes, replicates=replicates, seed=seed)
        twins = self.scene.twins
        self.notes = {"backgrounds": list(twins.backgrounds) if twins else []}
        self._blank: dict[PolicyId, PolicyGrams] = {}

    def untrained(self, blank: Sequence[Subject]) -> dict[PolicyId, Cells]:
        """Cells of untrained networks of one encoder."""
        return {one.id: cells_of(one, self.scene) for one in blank}

    def trained(
        self, run: Sequence[Subject], blank: Sequence[Subject]
    ) -> tuple[dict[PolicyId, Cells], dict[PolicyId, Starts]]:
        """Cells of each kept policy of a run, and what untrained networks are in place of CKA."""
        name = run[0].id.run
        beside = [self._view(one) for one in blank]
        cells, views = {}, {}
        for one in watch(run, f"{name}: measuring policies"):
            cells[one.id], views[one.id] = cells_of(one, self.scene), view_of(one, self.scene)
        found: dict[PolicyId, Cells] = {}
        starts: dict[PolicyId, Starts] = {}
        for policy, alike, begun in resemblance(views, beside):
            found[policy] = cells[policy] | alike
            starts[lineage(policy)] = begun
        return found, starts

    def _view(self, blank: Subject) -> PolicyGrams:
        """Layers of an untrained network, read once."""
        if blank.id not in self._blank:
            self._blank[blank.id] = view_of(blank, self.scene)
        return self._blank[blank.id]


def constants() -> dict[str, Any]:
    """What decides the tables and is no setting."""
    return {"untrained_episodes": logged_returns.EPISODES}


def resemblance(
    views: Mapping[PolicyId, PolicyGrams], untrained: Sequence[PolicyGrams]
) -> Iterator[tuple[PolicyId, Cells, Starts]]:
    """CKA of each policy of one run to its peers and to its last step; and untrained ones' to it.

    Yields:
        policy, its cells, and what untrained networks have in their place, for all of its steps.
    """
    last = {lineage(one): one for one in sorted(views, key=lambda p: p.step or 0)}
    peered = len({p.peer for p in views}) > 1
    pairs = [same_layers(a, b) for a, b in combinations(untrained, 2)] if peered else []
    for one, view in views.items():
        end = views[last[lineage(one)]]
        from_untrained = [same_layers(blank, end) for blank in untrained]
        alike = {"final": [same_layers(view, end)]}
        begun = {"final": from_untrained}
        if peered:
            peers = [views[p] for p in views if p.step == one.step and p.peer != one.peer]
            alike["peer"], begun["peer"] = [same_layers(view, peer) for peer in peers], pairs
        cells, starts = {}, {}
        for kind, some in alike.items():
            for layer in view.layers:
                draws = [found[layer] for found in some if layer in found]
                nothing = np.full(len(view.own), np.nan)
                mean = np.mean(draws, axis=0) if draws else nothing
                verdict = "undefined" if np.isnan(mean[0]) else OK
                cells[f"cka_{kind}", layer] = Cell(mean, verdict if some else "no peer kept")
                starts[f"cka_{kind}", layer] = np.stack(
                    [found.get(layer, nothing) for found in begun[kind]] or [nothing]
                )
        yield one, cells, starts


def show(frames: Frames, game: str) -> None:
    """Print the onsets of one game."""
    onsets.show(frames[1], game)
