"""How other programs name the tensors of IMPALA, which is ours under other names.

All divide frames by 255 and have a ReLU after flattening and one after the hidden units, and two
linear heads:

- the public code of arXiv 2501.02481, which saves the encoder and the actor of each agent in a
  file of its own and no critic;
- CleanRL's ``ppo_procgen.py`` (Huang et al. 2022), which saves nothing by itself: write
  ``torch.save(agent.state_dict(), path)`` at its end;
- ``train-procgen-pytorch`` (Lee 2020), without its GRU;
- ``auto-drac`` (Raileanu et al. 2021, arXiv 2006.12862), whose residual blocks are others: see
  :func:`checkpoints.policy.encoders.impala_relu`;
- ``impoola`` (Trumpp et al. 2025, arXiv 2503.05546), with its pooling or without, of any width. It
  saves the whole agent, which is refused: save ``agent.state_dict()``.
"""

from dataclasses import dataclass

from checkpoints.policy.recipes import EncoderName

PARTS = ("weight", "bias")


@dataclass(frozen=True)
class Layout:
    """Names of modules in one program; ``{i}``, ``{r}``, ``{c}`` number blocks, their two residual
    branches and the two convolutions of each.
    """

    conv: str
    residual: str
    hidden: str
    actor: str = "actor"
    critic: str = "critic"
    first: tuple[int, int, int] = (0, 0, 0)
    """the first number of i, r and c"""
    encoder: EncoderName = "impala"
    may_pool: bool = False
    """whether the hidden units may read a mean over positions, as their shape then tells"""

    def conv_of(self, block: int) -> str:
        """The first convolution of block 0, 1 or 2."""
        return self.conv.format(i=self.first[0] + block)

    def tensors(self, encoder: str = "") -> dict[str, str]:
        """Their tensors' names -> ours, in ``encoder`` if it is another than usual."""
        of_relu = (encoder or self.encoder) == "impala-relu"
        modules = {self.hidden: "encoder.hidden.0", self.actor: "actor", self.critic: "critic"}
        for block in range(3):
            ours = f"encoder.block{block + 1}"
            modules[self.conv_of(block)] = f"{ours}.0"
            for r in range(2):
                place = 3 + 2 * r if of_relu else 2 + r
                for c in range(2):
                    i = self.first[0] + block
                    theirs = self.residual.format(i=i, r=self.first[1] + r, c=self.first[2] + c)
                    modules[theirs] = f"{ours}.{place}.branch.{1 + 2 * c}"
        return {f"{a}.{part}": f"{b}.{part}" for a, b in modules.items() for part in PARTS}


def _starter_kit(prefix: str, hidden: int = 5, *, may_pool: bool = False) -> Layout:
    """The names of AIcrowd's starter kit of 2020, which several programs have."""
    blocks = f"{prefix}{{i}}.conv", f"{prefix}{{i}}.res_block{{r}}.conv{{c}}"
    return Layout(*blocks, f"{prefix}{hidden}", may_pool=may_pool)


SOURCES = {
    "cleanrl ppo_procgen": _starter_kit("network."),
    "arXiv 2501.02481, whole agent": _starter_kit("encoder.encoder."),
    "arXiv 2501.02481, encoder and heads": _starter_kit(""),
    "train-procgen-pytorch": Layout(
        "embedder.block{i}.conv",
        "embedder.block{i}.res{r}.conv{c}",
        "embedder.fc",
        "fc_policy",
        "fc_value",
        first=(1, 1, 1),
    ),
    "auto-drac": Layout(
        "base.layer{i}.0",
        "base.layer{i}.{r}.conv{c}",
        "base.fc",
        "dist.linear",
        "base.critic_linear",
        first=(1, 2, 1),
        encoder="impala-relu",
    ),
    "impoola": _starter_kit("encoder.network."),
    "impoola, pooled or with dropout": _starter_kit("encoder.network.", 6, may_pool=True),
    "impoola, pooled and with dropout": _starter_kit("encoder.network.", 7, may_pool=True),
}
"""Who writes such files -> how tensors are named in them."""
