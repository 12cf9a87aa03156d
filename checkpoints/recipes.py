"""The methods, as frozen settings: what is trained, on what, and how strongly.

Reference settings: the public code of arXiv 2501.02481 (64 environments of 256 steps, 3 epochs
of 8 minibatches, IMPALA, hard, 500 levels). A method differs from ``ppo`` only where it says so.
"""

import re
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, get_args

from checkpoints.console import UserError, one_of
from checkpoints.games import Mode, first_backgrounds

EncoderName = Literal["nature", "impala", "impoola"]
Precision = Literal["float32", "bfloat16"]
LAYERS: dict[str, tuple[str, ...]] = {
    "nature": ("conv1", "conv2", "conv3", "hidden"),
    "impala": ("block1", "block2", "block3", "hidden"),
    "impoola": ("block1", "block2", "block3", "pooled", "hidden"),
}
"""The layers of each encoder, in order; a layer's activation is the output of that submodule."""


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a policy besides its game, seed and number of steps."""

    peers: int = 1
    """policies in the group; each collects its own data"""
    alpha: float = 0.0
    """weight α of KL(other || own) between peers; 0 trains them apart"""
    l2: float = 0.0
    """weight of half the squared norm of the weights, added to each peer's loss"""
    dropout: float = 0.0
    """probability of dropping a unit of the last hidden layer in updates"""
    encoder: EncoderName = "impala"
    """which network reads the pixels"""
    features: int = 256
    """units of the last hidden layer"""
    precision: Precision = "float32"
    """what the encoder computes in; weights, heads, losses and Adam stay float32"""
    mode: Mode = "hard"
    """Procgen's difficulty"""
    levels: int = 500
    """number of training levels"""
    backgrounds: tuple[int, ...] = ()
    """backgrounds that training episodes are drawn on; none means as the game chooses"""
    num_envs: int = 64
    """environments a peer"""
    num_steps: int = 256
    """steps an environment between updates"""
    epochs: int = 3
    """passes over the collected data"""
    minibatches: int = 8
    """parts of the data, one update each"""
    discount: float = 0.999
    """γ"""
    decay: float = 0.95
    """λ of generalised advantage estimation"""
    learning_rate: float = 5e-4
    """Adam's step size"""
    adam_eps: float = 1e-5
    """Adam's ε"""
    clip: float = 0.2
    """how far a probability ratio or a value may move in an update"""
    entropy: float = 0.01
    """weight of the entropy bonus"""
    value: float = 0.5
    """weight of the value loss"""
    max_grad_norm: float = 0.5
    """gradient norm at which each peer is clipped"""

    def __post_init__(self) -> None:
        """Refuse values that cannot be trained."""
        for name in (
            "peers",
            "num_envs",
            "num_steps",
            "epochs",
            "minibatches",
            "features",
            "levels",
        ):
            if getattr(self, name) < 1:
                raise UserError(f"expected {name} of at least 1, got {getattr(self, name)}")
        if self.alpha and self.peers < 2:
            raise UserError(f"α = {self.alpha} needs at least 2 peers, got {self.peers}")
        if len(set(self.backgrounds)) < len(self.backgrounds):
            listed = ", ".join(map(str, self.backgrounds))
            raise UserError(f"expected different backgrounds, got {listed}")
        if not 0 <= self.dropout < 1:
            raise UserError(f"expected dropout in [0, 1), got {self.dropout}")
        if self.batch % self.minibatches:
            raise UserError(
                f"expected num_envs * num_steps to be a multiple of minibatches, got {self.batch} "
                f"steps for {self.minibatches} minibatches"
            )

    @property
    def batch(self) -> int:
        """Environment steps a peer takes between updates."""
        return self.num_envs * self.num_steps

    @property
    def learning_work(self) -> int:
        """Frames through a network in an iteration's updates; a backward pass counts for two."""
        readers = self.peers if self.alpha else 1
        return 3 * self.epochs * self.batch * self.peers * readers

    @property
    def work(self) -> int:
        """Frames through a network in an iteration: what progress is counted in."""
        return self.batch * self.peers + self.learning_work


_CHOICES = {"encoder": EncoderName, "precision": Precision, "mode": Mode}

METHODS: dict[str, Recipe] = {
    "ppo": Recipe(),
    "ppo-l2": Recipe(l2=1e-4),
    "ppo-dropout": Recipe(dropout=0.1),
    "mutual": Recipe(peers=2, alpha=1.0),
    "mutual-alpha0": Recipe(peers=2, alpha=0.0),
}
"""Strengths of L2 and dropout: Cobbe et al. 2019 (arXiv 1812.02341)."""


_NARROWED = re.compile(r"(?P<base>[a-z0-9-]+?)-bg(?P<count>[1-9]\d*)")


def base_method(method: str) -> str:
    """What a method is called without its number of backgrounds: ``ppo`` of ``ppo-bg4``."""
    match = _NARROWED.fullmatch(method)
    return match["base"] if match else method


def get_recipe(method: str, game: str | None = None) -> Recipe:
    """The settings of a method; an unknown name raises ``UserError`` listing all.

    ``ppo-bg4`` is ``ppo`` trained on 4 of the backgrounds of ``game``; without a game they are
    left open.
    """
    base = base_method(method)
    one_of("method", base, METHODS)
    match = _NARROWED.fullmatch(method)
    if match is None or game is None:
        return METHODS[base]
    return replace(METHODS[base], backgrounds=first_backgrounds(game, int(match["count"])))


def from_dict(values: dict[str, Any]) -> Recipe:
    """Rebuild a recipe; unknown keys and wrong types raise ``UserError``."""
    default = Recipe()
    for key, value in values.items():
        one_of("setting", key, [field.name for field in fields(Recipe)])
        wanted = type(getattr(default, key))
        if wanted is tuple and isinstance(value, list):
            values = values | {key: (value := tuple(value))}
        fits = isinstance(value, wanted) or (wanted is float and type(value) is int)
        if wanted is tuple:
            fits = isinstance(value, tuple) and all(type(item) is int for item in value)
        if not fits or isinstance(value, bool):
            raise UserError(f"setting {key!r}: expected {wanted.__name__}, got {value!r}")
        if key in _CHOICES:
            one_of(key, value, get_args(_CHOICES[key]))
    return replace(default, **values)


def differences(kept: Recipe, asked: Recipe) -> list[str]:
    """Lines ``name: kept → asked`` for every setting that differs."""
    old, new = asdict(kept), asdict(asked)
    return [f"{key}: {old[key]} → {new[key]}" for key in old if old[key] != new[key]]
