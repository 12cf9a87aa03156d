"""Every measure at every kept step of a game's policies, and their onsets."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from analysis.policies.subjects import Subject
from analysis.records.command import Frames
from analysis.records.values import EMERGENCE, EMERGENCE_ONSETS, OK, RETURN, Cell, Cells, value_row
from analysis.studies.examination import Found
from analysis.studies.similarity.cka import same_layers
from analysis.studies.training import logged_returns as learning
from analysis.studies.training import onsets
from analysis.studies.training.history import Starts, lineage, make_histories
from analysis.studies.training.snapshot import Scene, Snapshot, set_scene, snapshot
from checkpoints.console import say, watch
from checkpoints.policy.ids import UNTRAINED, PolicyId

SCHEMAS = EMERGENCE, EMERGENCE_ONSETS
Kind = tuple[str, int]
"""As ``Subject.kind``."""


class Untrained(NamedTuple):
    """Untrained networks of one encoder: where its policies start from."""

    found: dict[PolicyId, Snapshot]
    returned: Cell
    """by the first of them"""

    @property
    def starts(self) -> Starts:
        """What all measures of one policy are before training."""
        cells = [one.cells for one in self.found.values()]
        known = {key: np.stack([each[key].draws for each in cells]) for key in cells[0]}
        return known | {(RETURN, learning.LAYER): self.returned.draws[None]}

    def rows(self) -> Iterator[dict[str, Any]]:
        """A row a network and measure, columns as in :data:`EMERGENCE`."""
        for policy, one in self.found.items():
            yield from (value_row(policy, *key, cell) for key, cell in one.cells.items())
        yield value_row(next(iter(self.found)), RETURN, learning.LAYER, self.returned)


def measure_game(
    subjects: Sequence[Subject],
    *,
    root: Path,
    until: int,
    states: int,
    backgrounds: int,
    saliency_states: int,
    replicates: int,
    seed: int,
) -> Found:
    """Values at every step of one game's policies, and when each measure moved.

    Args:
        subjects: of any encoders, each encoder with untrained ones.
        root: folder of runs, or of shipped ones, with their logs.
        until: step up to which runs were to be trained; 0: as far as their longest log goes.
        states: on which all but saliency is measured.
        backgrounds: each is drawn on.
        saliency_states: whose gradients are taken.
        replicates: of the bootstrap over levels.
        seed: of the states and the bootstrap.
    """
    say(f"{subjects[0].id.game}: gathering {states} states")
    scene = set_scene(subjects, states, backgrounds, saliency_states, replicates, seed)
    blank = measure_untrained(subjects, scene, replicates, seed)
    found, starts = follow(subjects, scene, blank, root, replicates, seed)
    histories = make_histories(found, starts, learning.reach(found, root, until))
    rows = [row for one in blank.values() for row in one.rows()]
    rows += [row for history in histories for row in history.rows()]
    returns = [history for history in histories if history.measure == RETURN]
    drawn = list(scene.twins.backgrounds) if scene.twins else []
    return Found([rows, list(onsets.onset_rows(histories, returns))], {"backgrounds": drawn})


def constants() -> dict[str, Any]:
    """What decides the tables and is no setting."""
    return {"untrained_episodes": learning.EPISODES}


def measure_untrained(
    subjects: Sequence[Subject], scene: Scene, replicates: int, seed: int
) -> dict[Kind, Untrained]:
    """The untrained policies of one game by their encoder: a network starts as those like it do."""
    kinds: dict[Kind, list[Subject]] = {}
    for one in subjects:
        if one.id.method == UNTRAINED:
            kinds.setdefault(one.kind, []).append(one)
    found = {}
    for kind, some in kinds.items():
        bar = watch(some, f"{some[0].id.game}: measuring untrained policies")
        seen = {one.id: snapshot(one, scene) for one in bar}
        found[kind] = Untrained(seen, learning.untrained_return(some[0], replicates, seed))
    return found


def follow(
    subjects: Sequence[Subject],
    scene: Scene,
    blank: Mapping[Kind, Untrained],
    root: Path,
    replicates: int,
    seed: int,
) -> tuple[dict[PolicyId, Cells], dict[PolicyId, Starts]]:
    """The trained policies of one game: what was found of each, and where each line started."""
    trained = [one for one in subjects if one.id.method != UNTRAINED]
    logs = learning.logged(root, [one.id for one in trained], replicates, seed)
    found: dict[PolicyId, Cells] = {}
    starts: dict[PolicyId, Starts] = {}
    waiting: dict[PolicyId, Snapshot] = {}
    runs = [one.id.run for one in trained]
    for place, one in enumerate(watch(trained, f"{subjects[0].id.game}: measuring policies")):
        waiting[one.id] = snapshot(one, scene)
        if runs[place] in runs[place + 1 :]:
            continue
        # All of a run is there: compare, and forget its layers.
        group = {policy: snap for policy, snap in waiting.items() if policy.run == one.id.run}
        like = blank.get(one.kind)
        for policy, alike, begun in resemblance(group, list(like.found.values()) if like else []):
            found[policy] = waiting.pop(policy).cells | alike | logs[policy]
            starts[lineage(policy)] = (like.starts if like else {}) | begun
    return found, starts


def resemblance(
    group: Mapping[PolicyId, Snapshot], untrained: Sequence[Snapshot]
) -> Iterator[tuple[PolicyId, Cells, Starts]]:
    """CKA of each policy of one run to its peers and to its last step; and untrained ones' to it.

    Yields:
        policy, its cells, and what untrained networks have in their place, for all of its steps.
    """
    views = {one: snap.view for one, snap in group.items()}
    last = {lineage(one): one for one in sorted(group, key=lambda p: p.step or 0)}
    pairs = [same_layers(a.view, b.view) for a, b in combinations(untrained, 2)]
    for one, view in views.items():
        end = views[last[lineage(one)]]
        from_untrained = [same_layers(snap.view, end) for snap in untrained]
        alike = {"final": [same_layers(view, end)]}
        begun = {"final": from_untrained}
        peers = [views[p] for p in views if p.step == one.step and p.peer != one.peer]
        if len({p.peer for p in views}) > 1:
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
