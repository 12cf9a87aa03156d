"""A group of K peers: each collects its own data; all learn in one step.

PPO is a group of one. In mutual distillation (arXiv 2501.02481) two peers minimise

    (1/K) Σ_k [PPO_k + α KL(π_other(·|s_k) || π_k(·|s_k))]

with gradient through both sides, one Adam for all, and each peer's gradient clipped by itself.
A teacher is one more voice in that KL, from which no gradient comes.

Note:
    The mean over peers halves each gradient before it is clipped, so two peers with α = 0 are
    two PPOs whose clipping norm and ε are twice as large: to the bit where no gradient is
    clipped. Where one is, torch divides by its norm plus 1e-6, which does not halve, and so the
    last digits part (tests show both).
"""

import torch
from torch import Tensor, nn

from checkpoints.console import UserError
from checkpoints.policy.encoders import Policy
from checkpoints.policy.recipes import Recipe
from checkpoints.policy.seeds import Purpose, generator, seed_torch
from checkpoints.training import losses
from checkpoints.training.interleave import take_turns
from checkpoints.training.peer import MakeWorld, Peer, Tick, quietly
from checkpoints.world.recolour import recolour


class Group:
    """K peers and their common optimiser."""

    def __init__(
        self,
        make_world: MakeWorld,
        recipe: Recipe,
        seed: int,
        device: str = "cpu",
        *,
        first_peer: int = 0,
        teacher: Policy | None = None,
    ) -> None:
        """Create every peer afresh.

        Args:
            make_world: see :func:`training_levels`.
            recipe: what to train.
            seed: of every random stream.
            device: ``cpu`` or ``cuda``.
            first_peer: index of the first peer; a group of one with ``first_peer=1`` draws what
                the second peer of a larger group draws.
            teacher: the policy, in evaluation mode, that ``recipe.teacher`` names.
        """
        self.recipe, self.seed, self.device = recipe, seed, device
        if (teacher is None) == bool(recipe.teacher):
            raise UserError(
                f"expected the policy of the recipe's teacher {recipe.teacher!r}, got "
                f"{'none' if teacher is None else 'one'}; see "
                "checkpoints.training.teacher.load_teacher"
            )
        self.teacher = teacher.to(device) if teacher is not None else None
        indices = range(first_peer, first_peer + recipe.peers)
        self.peers = [Peer(make_world, recipe, seed, k, device) for k in indices]
        weights = [weight for peer in self.peers for weight in peer.policy.parameters()]
        self.optimiser = torch.optim.Adam(
            weights, lr=recipe.learning_rate, eps=recipe.adam_eps, fused=True
        )

    def precision(self) -> torch.autocast:
        """The context in which encoders compute."""
        low = self.recipe.precision == "bfloat16"
        return torch.autocast(self.device, dtype=torch.bfloat16, enabled=low)

    def iterate(self, iteration: int, tick: Tick = quietly) -> list[dict[str, float]]:
        """Collect and learn once.

        Args:
            iteration: counted from 0; decides all random numbers.
            tick: told of frames as they pass, ``recipe.work`` in all.

        Returns:
            The means of ``MEASURED`` of each peer.
        """
        with self.precision():
            data = take_turns(peer.collect(iteration, tick) for peer in self.peers)
            if self.teacher is not None:
                for part in data:
                    part["taught"] = self._taught(self.teacher, part["frames"], tick)
        with seed_torch(self.seed, 0, Purpose.DROPOUT, iteration, self.device):
            return self.learn(data, iteration, tick)

    def learn(
        self, data: list[dict[str, Tensor]], iteration: int, tick: Tick = quietly
    ) -> list[dict[str, float]]:
        """Every epoch and minibatch of one iteration."""
        recipe = self.recipe
        order, colours = (
            [
                generator(self.seed, peer.index, purpose, iteration, self.device)
                for peer in self.peers
            ]
            for purpose in (Purpose.SHUFFLE, Purpose.VIEWS)
        )
        seen: list[Tensor] = []
        for peer in self.peers:
            peer.policy.train()
        for _ in range(recipe.epochs):
            shuffled = [
                torch.randperm(recipe.batch, generator=draws, device=self.device).chunk(
                    recipe.minibatches
                )
                for draws in order
            ]
            for rows in zip(*shuffled, strict=True):
                # Whole rows are copied at once, where array[row] would go byte by byte.
                parts = [
                    {key: array.index_select(0, row) for key, array in whole.items()}
                    for whole, row in zip(data, rows, strict=True)
                ]
                if recipe.drac and recipe.views == "recoloured":
                    for part, draws in zip(parts, colours, strict=True):
                        part["views"] = recolour(part["frames"], draws)
                seen.append(self._step(parts))
                tick(recipe.learning_work // (recipe.epochs * recipe.minibatches))
        means = torch.stack(seen).mean(0).tolist()
        return [dict(zip(MEASURED, mean, strict=True)) for mean in means]

    def _step(self, parts: list[dict[str, Tensor]]) -> Tensor:
        """One update of every peer; returns (peer, measured) detached."""
        terms = self.losses(parts)
        total = torch.stack([term[0] for term in terms]).mean()
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        norms = [
            nn.utils.clip_grad_norm_(peer.policy.parameters(), self.recipe.max_grad_norm)
            for peer in self.peers
        ]
        self.optimiser.step()
        clipped = [(norm > self.recipe.max_grad_norm).float() for norm in norms]
        seen = zip(terms, norms, clipped, strict=True)
        return torch.stack([torch.stack([*term, norm, was]).detach() for term, norm, was in seen])

    def losses(self, parts: list[dict[str, Tensor]]) -> list[list[Tensor]]:
        """The loss of each peer on its own minibatch, followed by its terms (see ``MEASURED``)."""
        recipe = self.recipe
        with self.precision():
            outputs = [
                peer.policy(part["frames"]) for peer, part in zip(self.peers, parts, strict=True)
            ]
            others = self._others(parts) if recipe.alpha else None
            views = self._views(parts) if recipe.drac else None
        terms = []
        for k, (part, (logits, values)) in enumerate(zip(parts, outputs, strict=True)):
            log_probs = logits.log_softmax(-1)
            surrogate = losses.clipped_surrogate(
                losses.chosen(log_probs, part["actions"]),
                part["log_probs"],
                losses.standardise(part["advantages"]),
                recipe.clip,
            )
            value = losses.clipped_value(values, part["values"], part["targets"], recipe.clip)
            entropy = losses.entropy(log_probs)
            kl = torch.zeros_like(value)
            if others is not None:
                kl = torch.stack([losses.mutual_kl(log_probs, other) for other in others[k]]).mean()
            loss = surrogate + recipe.value * value - recipe.entropy * entropy + recipe.alpha * kl
            gap = torch.zeros_like(value)
            if views is not None:
                gap = losses.view_gap(log_probs, values, *views[k])
                loss = loss + recipe.drac * gap
            if recipe.l2:
                squares = [weight.square().sum() for weight in self.peers[k].policy.parameters()]
                loss = loss + 0.5 * recipe.l2 * torch.stack(squares).sum()
            terms.append([loss, surrogate, value, entropy, kl, gap])
        return terms

    def _others(self, parts: list[dict[str, Tensor]]) -> list[list[Tensor]]:
        """For each peer k, log-probabilities of all it learns from on the states k collected."""
        return [
            [
                other.policy(part["frames"])[0].log_softmax(-1)
                for other in self.peers
                if other is not own
            ]
            + ([part["taught"]] if "taught" in part else [])
            for own, part in zip(self.peers, parts, strict=True)
        ]

    @torch.no_grad()
    def _taught(self, teacher: Policy, frames: Tensor, tick: Tick) -> Tensor:
        """The log-probabilities of a teacher, which are the same in every epoch."""
        found = []
        for part in frames.chunk(self.recipe.minibatches):
            found.append(teacher(part)[0].log_softmax(-1))
            tick(len(part))
        return torch.cat(found)

    def _views(self, parts: list[dict[str, Tensor]]) -> list[tuple[Tensor, Tensor]]:
        """Log-probabilities and values of each peer on the views of its states."""
        read = [peer.policy(part["views"]) for peer, part in zip(self.peers, parts, strict=True)]
        return [(logits.log_softmax(-1), values) for logits, values in read]


MEASURED = (
    *("loss", "surrogate", "value_loss", "entropy", "mutual_kl", "view_gap"),
    *("grad_norm", "clipped"),
)
"""What an update reports of each peer, in order; KL and entropy in nats, ``grad_norm`` before it is
clipped, ``clipped`` whether it was."""
