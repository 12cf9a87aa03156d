"""Which of the layers that are asked for each policy has: encoders differ."""

from collections.abc import Sequence

from analysis.policies.subjects import Subject
from checkpoints.console import one_of, say
from checkpoints.policy.ids import PolicyId


def check_layers(subjects: Sequence[Subject], layers: Sequence[str]) -> None:
    """Raise ``UserError`` for a layer that no policy has, with the names of those there are."""
    encoders = sorted({one.policy.architecture for one in subjects})
    known = dict.fromkeys(name for one in subjects for name in one.policy.layers)
    for layer in layers:
        one_of(f"layer of {' and '.join(encoders)}", layer, list(known))


def asked_layers(
    subjects: Sequence[Subject], layers: Sequence[str]
) -> dict[PolicyId, tuple[str, ...]]:
    """The layers to read of each policy; one that has none of those asked for is left out.

    Args:
        subjects: policies of one game, of any encoders.
        layers: names asked for; none asks for all.

    Returns:
        Policy -> those it has, in the order asked for; of all, in the order of its encoder.
    """
    found = {}
    for one in subjects:
        own = one.policy.layers
        if here := tuple(name for name in layers if name in own) if layers else own:
            found[one.id] = here
        else:
            say(f"{one.id}: {one.policy.architecture} has no layer {' or '.join(layers)}, left out")
    return found
