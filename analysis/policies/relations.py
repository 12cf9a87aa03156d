"""How two policies are related: by method, by seed, as peers of one run, or by step."""

from checkpoints.console import one_of
from checkpoints.policy.ids import UNTRAINED, PolicyId

SELF, PEERS, SEEDS, STEPS, ACROSS = "self", "peers", "seeds", "steps", "vs"


def relation(x: PolicyId, y: PolicyId) -> str:
    """What kind of pair two policies are: ``mutual peers``, ``ppo seeds``, ``mutual vs ppo``, …"""
    if x == y:
        return SELF
    if x.method != y.method:
        both = sorted((x.method, y.method), key=lambda name: (name == UNTRAINED, name))
        return f" {ACROSS} ".join(both)
    if x.method == UNTRAINED:
        return UNTRAINED
    if x.seed != y.seed:
        return f"{x.method} {SEEDS}"
    return f"{x.method} {PEERS}" if x.peer != y.peer else f"{x.method} {STEPS}"


def kind_of(pair: str) -> str:
    """Of what :func:`relation` says: peers, seeds or steps, ``vs`` of two methods, self, untrained.

    Raises:
        UserError: no such relation.
    """
    words = pair.split()
    kind = words[1] if len(words) == 3 else words[-1] if words else ""
    one_of("kind of pair", kind, (PEERS, SEEDS, STEPS, UNTRAINED, ACROSS, SELF))
    return kind


def methods_of(pair: str) -> tuple[str, ...]:
    """The methods that :func:`relation` names: one, two of different methods, none of ``self``."""
    return tuple(word for word in pair.split() if word not in (PEERS, SEEDS, STEPS, ACROSS, SELF))
