"""What must be known of how a policy was trained to examine it fairly."""

from dataclasses import dataclass

from checkpoints.world.games import Mode


@dataclass(frozen=True)
class Training:
    """The levels and pictures that a policy has seen; levels that it has not are asked for."""

    mode: Mode = "easy"
    """Procgen's difficulty"""
    backgrounds: tuple[int, ...] = ()
    """backgrounds that its episodes were drawn on; none means as the game chooses"""
    levels: int = 500
    """number of training levels"""
    code: str = ""
    """hash of the training code; empty where that is not this project's"""
