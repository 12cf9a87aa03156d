"""One run in its folder: iterate, evaluate, log, keep policies, save, go on."""

import csv
import io
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from checkpoints.console import UserError
from checkpoints.doors.writing import write_text
from checkpoints.policy.ids import PolicyId
from checkpoints.policy.store import Provenance, policy_path, save_policy, source_hash, versions
from checkpoints.runs.folder import PROGRESS, STATE
from checkpoints.runs.resume import load_state, save_state
from checkpoints.training.evaluate import Evaluation
from checkpoints.training.group import Group
from checkpoints.training.peer import Tick, quietly
from checkpoints.world.environments import Levels


class Run:
    """A group of peers training in ``output/id``; made anew or from the last complete save."""

    def __init__(self, run_id: PolicyId, group: Group, output: Path, episodes: int) -> None:
        """Take a fresh group and go on from the folder's save, if there is one.

        Args:
            run_id: names the run and its folder under ``output``.
            group: untrained, of the run's game and seed.
            output: folder of runs.
            episodes: of each evaluation on unseen levels; 0 never evaluates.

        Raises:
            UserError: the folder holds a run of another recipe, or a damaged save.
        """
        self.id, self.group, self.output, self.code = run_id, group, output, source_hash()
        self.recipe = group.recipe
        self.folder = output / str(run_id)
        self.unseen = (
            Evaluation(run_id.game, self.recipe.mode, levels=Levels.unseen(), num_envs=episodes)
            if episodes
            else None
        )
        self.iteration = 0
        self.rows: list[dict[str, Any]] = []
        self.recent: list[list[float]] = [[] for _ in self.group.peers]
        """the last 100 training returns of each peer"""
        if (self.folder / STATE).exists():
            self.iteration, log = load_state(self.group, self.folder)
            self.rows, self.recent = log.rows, log.recent
        self._saved_at = time.monotonic()
        self._writer: Any = None

    @property
    def step(self) -> int:
        """Environment steps each peer has taken."""
        return self.iteration * self.recipe.batch

    def advance(
        self, *, last: bool, evaluate_every: int, save_seconds: float, tick: Tick = quietly
    ) -> None:
        """One iteration, with what is due after it."""
        started = time.monotonic()
        measured = self.group.iterate(self.iteration, tick)
        self.iteration += 1
        self._refuse_nan(measured)
        keep = last or self.recipe.keeps(self.iteration)
        evaluate = keep or self.iteration % evaluate_every == 0
        for peer, losses in zip(self.group.peers, measured, strict=True):
            self.recent[peer.index] = (self.recent[peer.index] + peer.finished)[-100:]
            row = {"step": self.step, "peer": peer.index, **losses}
            row |= self._returns(peer.index, evaluate)
            row["seconds"] = round(time.monotonic() - started, 3)
            self.rows.append(row)
            self._log(row)
            if keep:
                self._keep(peer.index, row)
        if keep or time.monotonic() - self._saved_at >= save_seconds:
            self.save()

    def save(self) -> None:
        """Write progress.csv and the complete state."""
        text = io.StringIO()
        names = list(dict.fromkeys(key for row in self.rows for key in row))
        writer = csv.DictWriter(text, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        write_text(self.folder / PROGRESS, text.getvalue())
        extra = {"rows": self.rows, "recent": self.recent}
        save_state(self.group, self.iteration, self.folder, extra)
        self._saved_at = time.monotonic()

    def summary(self) -> str:
        """One line on where the run stands."""
        rows = self.rows[-self.recipe.peers :]
        parts = [f"{self.id}  step {self.step:>10,}"]
        for row in rows:
            unseen = [
                r["unseen_return"]
                for r in self.rows
                if r["peer"] == row["peer"] and "unseen_return" in r
            ]
            parts.append(
                f"train {row['train_return']:.2f} unseen {unseen[-1] if unseen else np.nan:.2f}"
            )
        return "  |  ".join(parts)

    def _returns(self, peer: int, evaluate: bool) -> dict[str, float]:
        recent = self.recent[peer]
        found = {"train_return": float(np.mean(recent)) if recent else float("nan")}
        found["train_episodes"] = len(recent)
        if evaluate and self.unseen is not None:
            with self.group.precision():
                returns = self.unseen.returns(self.group.peers[peer].policy)
            found["unseen_return"] = float(returns.mean())
            found["unseen_error"] = float(returns.std(ddof=1) / np.sqrt(len(returns)))
            found["unseen_episodes"] = len(returns)
        return found

    def _keep(self, peer: int, row: dict[str, Any]) -> None:
        name = PolicyId(self.id.game, self.id.method, self.id.seed, peer, self.step)
        splits = {"train": row["train_return"], "unseen": row.get("unseen_return", np.nan)}
        returns = {split: value for split, value in splits.items() if np.isfinite(value)}
        provenance = Provenance(
            str(name), asdict(self.recipe), self.step, returns, versions(), self.code
        )
        save_policy(self.group.peers[peer].policy, provenance, policy_path(self.output, name))

    def _log(self, row: dict[str, Any]) -> None:
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(self.folder / "tensorboard", purge_step=row["step"])
            self._describe()
        for key, value in row.items():
            if key not in ("step", "peer"):
                self._writer.add_scalar(f"{key}/peer{row['peer']}", value, row["step"])

    def _describe(self) -> None:
        """Put the recipe among the logs, so that TensorBoard compares runs by it."""
        from torch.utils.tensorboard.summary import hparams

        values = {"run": str(self.id), "code": self.code, **asdict(self.recipe)}
        plain = {k: v if isinstance(v, bool | int | float) else str(v) for k, v in values.items()}
        peers = range(self.recipe.peers)
        returns = [f"{of}_return/peer{k}" for of in ("train", "unseen") for k in peers]
        # SummaryWriter.add_hparams would begin a folder of its own at each start.
        for summary in hparams(plain, dict.fromkeys(returns, 0.0)):
            self._writer.file_writer.add_summary(summary)

    def _refuse_nan(self, measured: list[dict[str, float]]) -> None:
        for peer, losses in enumerate(measured):
            bad = [key for key, value in losses.items() if not np.isfinite(value)]
            if bad:
                raise UserError(
                    f"peer {peer} diverged at step {self.step:,}: {', '.join(bad)} not finite. "
                    f"The last save in {self.folder} is sound; lower --recipe.learning-rate in "
                    "a new --output"
                )
