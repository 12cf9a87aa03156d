"""What a layer's background subspace is worth: episodes played before and after its erasure."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from analysis.measures.erasers import KINDS
from analysis.policies.edits import erase, patched
from analysis.records.columns import of_interval
from analysis.stats.clusters import cluster_interval
from analysis.studies.erasure.interventions import Layer
from analysis.studies.erasure.rows import SCHEMA
from checkpoints.world.games import Mode

NOT_PLAYED = {name: np.nan for name in SCHEMA.names if "return" in name} | {"episodes": 0}


class ErasedEpisodes:
    """Episodes of one game, on levels that neither training nor the state bank contains."""

    def __init__(self, game: str, mode: Mode, *, episodes: int, replicates: int, seed: int) -> None:
        """Make the environments: one an episode, at least one."""
        from checkpoints.training.evaluate import Evaluation
        from checkpoints.world.environments import Levels

        bank = Levels.unseen()
        levels = Levels(bank.start + bank.count, bank.count)
        self.evaluation = Evaluation(game, mode, levels=levels, num_envs=episodes, seed=seed)
        self.interval = partial(cluster_interval, replicates=replicates, seed=seed)

    def rows(self, layer: Layer) -> Iterator[dict[str, Any]]:
        """The cells of episodes, for each kind of subspace.

        The eraser is the first fold's: the levels played are new to both.
        """
        policy, levels = layer.subject.policy, self.evaluation.levels
        before = self.evaluation.returns(policy)
        for kind in KINDS:
            with patched(policy, {layer.layer: erase(layer.fit.erasers[kind][0])}):
                after = self.evaluation.returns(policy)
            yield {
                "episodes": len(before),
                "return_before": before.mean(),
                "return_after": after.mean(),
                **of_interval("return_change", self.interval(after - before, levels)),
            }
