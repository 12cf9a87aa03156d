"""How two policies are related: by method, by seed, as peers of one run, or by step."""

from checkpoints.policy.ids import UNTRAINED, PolicyId

SELF = "self"


def relation(x: PolicyId, y: PolicyId) -> str:
    """What kind of pair two policies are: ``mutual peers``, ``ppo seeds``, ``mutual vs ppo``, …"""
    if x == y:
        return SELF
    if x.method != y.method:
        return " vs ".join(sorted((x.method, y.method), key=lambda name: (name == UNTRAINED, name)))
    if x.method == UNTRAINED:
        return UNTRAINED
    if x.seed != y.seed:
        return f"{x.method} seeds"
    return f"{x.method} peers" if x.peer != y.peer else f"{x.method} steps"
