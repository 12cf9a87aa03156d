"""The methods, as frozen settings: what is trained, on what, and how strongly.

Reference settings: the public code of arXiv 2501.02481 (64 environments of 256 steps, 3 epochs
of 8 minibatches, IMPALA, hard, 500 levels). A method differs from ``ppo`` only where it says so.
"""

import re
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from typing import Annotated, Any, Literal, get_args

from checkpoints.console import UserError, one_of
from checkpoints.doors.numbers import check_numbers, real, whole
from checkpoints.doors.reading import shown
from checkpoints.world.games import Mode, drawn_backgrounds, first_backgrounds

EncoderName = Literal["nature", "impala", "impoola", "impala-relu"]
Precision = Literal["float32", "bfloat16"]
Views = Literal["recoloured", "twins"]
MAX_KEPT = 16
LAYERS: dict[str, tuple[str, ...]] = {
    "nature": ("conv1", "conv2", "conv3", "hidden"),
    "impala": ("block1", "block2", "block3", "hidden"),
    "impoola": ("block1", "block2", "block3", "pooled", "hidden"),
    "impala-relu": ("block1", "block2", "block3", "hidden"),
}
"""The layers of each encoder, in order; a layer's activation is the output of that submodule."""


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a policy besides its game, seed and number of steps."""

    peers: Annotated[int, whole(1, 64)] = 1
    """policies in the group; each collects its own data"""
    alpha: Annotated[float, real(0, 1e3)] = 0.0
    """weight α of KL(other || own) between peers; 0 trains them apart"""
    teacher: str = ""
    """kept policy that every peer learns from as from another peer, and which stays as it is, such
    as starpilot/ppo/1/peer0/step2097152"""
    l2: Annotated[float, real(0, 1e3)] = 0.0
    """weight of half the squared norm of the weights, added to each peer's loss"""
    dropout: Annotated[float, real(0, 0.99)] = 0.0
    """probability of dropping a unit of the last hidden layer in updates"""
    drac: Annotated[float, real(0, 1e3)] = 0.0
    """weight α_r of DrAC's regulariser: decide and value alike on other views of a state"""
    views: Views = "recoloured"
    """what those are: randomly recoloured pictures, or twins on other training backgrounds"""
    encoder: EncoderName = "impala"
    """which network reads the pixels"""
    features: Annotated[int, whole(1, 2**16)] = 256
    """units of the last hidden layer"""
    width: Annotated[int, whole(1, 64)] = 1
    """multiplies the channels or units of every layer"""
    precision: Precision = "float32"
    """what the encoder computes in; weights, heads, losses and Adam stay float32. On a GPU torch
    rounds what goes into a convolution of float32 to TF32"""
    mode: Mode = "hard"
    """Procgen's difficulty"""
    levels: Annotated[int, whole(1, 10**6)] = 500
    """number of training levels"""
    backgrounds: tuple[Annotated[int, whole(0, 61)], ...] = ()
    """backgrounds that training episodes are drawn on; none means as the game chooses"""
    num_envs: Annotated[int, whole(1, 2**16)] = 64
    """environments a peer"""
    num_steps: Annotated[int, whole(1, 2**16)] = 256
    """steps an environment between updates"""
    epochs: Annotated[int, whole(1, 1000)] = 3
    """passes over the collected data"""
    minibatches: Annotated[int, whole(1, 2**16)] = 8
    """parts of the data, one update each"""
    discount: Annotated[float, real(0, 1)] = 0.999
    """γ"""
    decay: Annotated[float, real(0, 1)] = 0.95
    """λ of generalised advantage estimation"""
    learning_rate: Annotated[float, real(0, 1)] = 5e-4
    """Adam's step size"""
    adam_eps: Annotated[float, real(0, 1, above=True)] = 1e-5
    """Adam's ε"""
    clip: Annotated[float, real(0, 100, above=True)] = 0.2
    """how far a probability ratio or a value may move in an update"""
    entropy: Annotated[float, real(0, 1e3)] = 0.01
    """weight of the entropy bonus"""
    value: Annotated[float, real(0, 1e3)] = 0.5
    """weight of the value loss"""
    max_grad_norm: Annotated[float, real(0, 1e6, above=True)] = 0.5
    """gradient norm at which each peer is clipped"""
    keep_last: Annotated[int, whole(1, MAX_KEPT)] = 1
    """policies kept up to each power of two of iterations, the last of them there and the others
    a 32nd of the way apart (from 32 iterations on; 1 to 16): what is read at the end of training is
    a mean over them"""

    def __post_init__(self) -> None:
        """Refuse values that cannot be trained."""
        check_numbers(self)
        if self.alpha and self.peers < 2 and not self.teacher:
            raise UserError(
                f"α = {self.alpha} needs at least 2 peers, or a teacher, got {self.peers}"
            )
        if self.teacher and not self.alpha:
            raise UserError(f"expected α above 0 to learn from {self.teacher}, got {self.alpha}")
        if len(set(self.backgrounds)) < len(self.backgrounds):
            listed = ", ".join(map(str, self.backgrounds))
            raise UserError(f"expected different backgrounds, got {listed}")
        if self.batch % self.minibatches:
            raise UserError(
                f"expected num_envs * num_steps to be a multiple of minibatches, got {self.batch} "
                f"steps for {self.minibatches} minibatches"
            )

    @property
    def batch(self) -> int:
        """Environment steps a peer takes between updates."""
        return self.num_envs * self.num_steps

    def keeps(self, iteration: int) -> bool:
        """Whether the policies after this many iterations (from 1) are kept."""
        ahead = 1 << (iteration - 1).bit_length()
        gap, rest = divmod(ahead, 32)
        near = not rest and (ahead - iteration) % gap == 0
        return iteration == ahead or (near and (ahead - iteration) // gap < self.keep_last)

    @property
    def learning_work(self) -> int:
        """Frames through a network in an iteration's updates; a backward pass counts for two."""
        readings = (self.peers if self.alpha else 1) + bool(self.drac)
        return 3 * self.epochs * self.batch * self.peers * readings

    @property
    def work(self) -> int:
        """Frames through a network in an iteration: what progress is counted in."""
        return self.batch * self.peers * (1 + bool(self.teacher)) + self.learning_work

    @property
    def cost(self) -> float:
        """An iteration's time, in frames through a network of width 1: to tell what others take.

        Measured with the Nature encoder in bfloat16 on one thread: width 2 takes 2.7 times as
        long, and making an iteration's views as long as reading 5 batches (recoloured) or 3
        (twins).
        """
        making = MAKING[self.views] * self.batch * self.peers if self.drac else 0
        return float((self.work + making) * self.width**1.43)


MAKING: dict[Views, int] = {"recoloured": 5, "twins": 3}
_CHOICES = {"encoder": EncoderName, "precision": Precision, "mode": Mode, "views": Views}

METHODS: dict[str, Recipe] = {
    "ppo": Recipe(),
    "ppo-l2": Recipe(l2=1e-4),
    "ppo-l2-weak": Recipe(l2=1e-5),
    "ppo-l2-strong": Recipe(l2=1e-3),
    "ppo-dropout": Recipe(dropout=0.1),
    "ppo-dropout-weak": Recipe(dropout=0.03),
    "ppo-dropout-strong": Recipe(dropout=0.3),
    "ppo-norm1": Recipe(max_grad_norm=1.0, adam_eps=2e-5),
    "ppo-wide": Recipe(width=2),
    "drac": Recipe(drac=0.1),
    "drac-twins": Recipe(drac=0.1, views="twins"),
    "mutual": Recipe(peers=2, alpha=1.0),
    "mutual-alpha0": Recipe(peers=2, alpha=0.0),
    "oneway": Recipe(alpha=1.0, teacher="ppo"),
}
"""Strengths of L2 and dropout: Cobbe et al. 2019 (arXiv 1812.02341), and some three or ten times
weaker and stronger, to show what they decide. DrAC: Raileanu et al. 2021 (arXiv 2006.12862).
The mean over two peers halves each gradient before it is clipped, so ``ppo-norm1`` is what a mutual
peer would be without the distillation: PPO with twice the clipping norm and twice Adam's ε."""
BASELINE = "ppo"
"""The method that the others differ from, and are compared with."""
LONGEST = 200
"""Characters of a setting that is a text."""
TEACHER_STEPS = 2**21
"""Environment steps that the teacher of a method was trained for."""


METHOD_SETTINGS = frozenset(
    field.name
    for field in fields(Recipe)
    if len({getattr(recipe, field.name) for recipe in METHODS.values()}) > 1
) | {"backgrounds"}
"""Names of the settings that the method in an id decides."""


_NARROWED = re.compile(r"(?P<base>[a-z0-9-]+?)-(?P<how>bg|split)(?P<count>[1-9]\d*)")


def base_method(method: str) -> str:
    """A method without its backgrounds: ``ppo`` of ``ppo-bg4`` and of ``ppo-split32``."""
    match = _NARROWED.fullmatch(method)
    return match["base"] if match else method


def narrowed_to(method: str) -> str:
    """How many backgrounds a method names, ``4`` of ``ppo-bg4``; ``4 drawn`` of ``ppo-split4``.

    Empty where it names none.
    """
    match = _NARROWED.fullmatch(method)
    if match is None:
        return ""
    return match["count"] + (" drawn" if match["how"] == "split" else "")


def is_distilled(method: str) -> bool:
    """Whether its peers learn from each other, as those of ``mutual-bg4``."""
    recipe = METHODS.get(base_method(method), Recipe())
    return recipe.peers > 1 and recipe.alpha > 0


def is_strength(method: str) -> bool:
    """Whether it is a method named before it at another strength, such as ``ppo-l2-weak``.

    Both change the same settings of the baseline.
    """
    names, base = list(METHODS), base_method(method)
    if base not in names:
        return False
    before = [_changed(name) for name in names[: names.index(base)]]
    return _changed(base) in before


@cache
def _changed(method: str) -> frozenset[str]:
    """The settings in which a method differs from the baseline."""
    mine, plain = asdict(METHODS[method]), asdict(METHODS[BASELINE])
    return frozenset(key for key in plain if mine[key] != plain[key])


def get_recipe(method: str, game: str | None = None, seed: int = 0) -> Recipe:
    """The settings of a method; an unknown name raises ``UserError`` listing all.

    ``ppo-bg4`` is ``ppo`` trained on 4 of the backgrounds of ``game``, the same for every seed;
    ``ppo-split4`` on 4 that the seed draws, the same for every method. Without a game they, and the
    teacher, are left open. The teacher is of the next seed: one of the run's own seed began with
    the weights and levels that the run begins with.
    """
    base = base_method(method)
    one_of("method", base, METHODS)
    recipe = METHODS[base]
    if game is None:
        return recipe
    if recipe.teacher:
        taught_as = recipe.teacher + method.removeprefix(base)
        teacher = f"{game}/{taught_as}/{seed + 1}/peer0/step{TEACHER_STEPS}"
        recipe = replace(recipe, teacher=teacher)
    match = _NARROWED.fullmatch(method)
    if match is None:
        return recipe
    count = int(match["count"])
    if match["how"] == "bg":
        return replace(recipe, backgrounds=first_backgrounds(game, count))
    if recipe.teacher:
        raise UserError(
            f"{method}: the teacher is of another seed and so of another split; expected "
            f"{base}-bg{count}, whose backgrounds are those of every seed"
        )
    return replace(recipe, backgrounds=drawn_backgrounds(game, count, seed))


def from_dict(values: dict[str, Any]) -> Recipe:
    """Rebuild a recipe; unknown keys and wrong types raise ``UserError``."""
    default = Recipe()
    for key, value in list(values.items()):
        one_of("setting", key, [field.name for field in fields(Recipe)])
        wanted = type(getattr(default, key))
        if wanted is tuple and isinstance(value, list):
            value = tuple(value)
        if wanted is float and type(value) is int and abs(value) < 2**53:
            value = float(value)
        fits = type(value) is wanted
        if wanted is tuple:
            fits = isinstance(value, tuple) and all(type(item) is int for item in value)
        if not fits:
            raise UserError(f"setting {key!r}: expected {wanted.__name__}, got {shown(value)}")
        if wanted is str and len(value) > LONGEST:
            raise UserError(f"setting {key!r}: expected at most {LONGEST} characters")
        if key in _CHOICES:
            one_of(key, value, get_args(_CHOICES[key]))
        values = values | {key: value}
    return replace(default, **values)


def differences(kept: Recipe, asked: Recipe) -> list[str]:
    """Lines ``name: kept → asked`` for every setting that differs."""
    old, new = asdict(kept), asdict(asked)
    return [f"{key}: {old[key]} → {new[key]}" for key in old if old[key] != new[key]]
