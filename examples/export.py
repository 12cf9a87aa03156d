"""What every exporter shares: gather states, draw twins, prove that they are twins, write the file.

Needs NumPy alone. The form of the file is described in ``analysis/scenes/world_format.py``.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

import numpy as np

AHEAD = 12
"""Steps that every twin is followed for."""


class NotTwins(SystemExit):
    """The proof failed, and nothing is written."""


class Scene(Protocol):
    """A simulator that can be stopped, drawn in variants, and put back."""

    def reset(self, level: int) -> None:
        """Begin an episode of a level."""

    def step(self, action: Any) -> bool:
        """Act; whether the episode goes on."""

    def save(self) -> Any:
        """All that decides what happens from here on."""

    def restore(self, state: Any) -> None:
        """Put a saved state back."""

    def draw(self, variant: int) -> np.ndarray:
        """The picture in a variant, (h, w, c) uint8."""

    def mask(self) -> np.ndarray:
        """Which pixels are background, (h, w) bool, known without comparing the variants."""

    def factors(self) -> dict[str, float | int]:
        """What is true of the state."""


@dataclass
class Twins:
    """What is gathered."""

    frames: list[np.ndarray] = field(default_factory=list)
    masks: list[np.ndarray] = field(default_factory=list)
    level: list[int] = field(default_factory=list)
    time: list[int] = field(default_factory=list)
    factors: list[dict[str, float | int]] = field(default_factory=list)


def prove(scene: Scene, variants: int, actions: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    """The frames of one state in all variants and its mask, proved to be twins.

    Raises:
        NotTwins: a second drawing differs, drawing changes what happens next, or pixels outside of
            the mask vary.
    """
    state, mask = scene.save(), scene.mask()
    frames = np.stack([scene.draw(v) for v in range(variants)])
    for v in reversed(range(variants)):
        if not np.array_equal(scene.draw(v), frames[v]):
            raise NotTwins(f"variant {v} drawn twice differs: drawing is not repeatable")
    futures = []
    for v in range(variants):
        scene.restore(state)
        scene.draw(v)
        going = [scene.step(action) for action in actions]
        futures.append((going, scene.draw(0)))
    scene.restore(state)
    for v, (going, last) in enumerate(futures):
        if going != futures[0][0] or not np.array_equal(last, futures[0][1]):
            raise NotTwins(f"after variant {v} was drawn, the world went another way")
    varies = (frames != frames[:1]).any(axis=(0, 3))
    if (varies & ~mask).any():
        raise NotTwins(f"{int((varies & ~mask).sum())} pixels outside of the mask vary")
    return frames, mask


def export(
    scene: Scene,
    path: Path,
    meta: dict[str, Any],
    act: Callable[[np.random.Generator], Any],
    *,
    levels: int = 24,
    per_level: int = 4,
    apart: tuple[int, int] = (20, 60),
    seed: int = 0,
) -> None:
    """Play levels at random, keep states, prove each, and write ``path``.

    A state whose mask is empty or full is passed over.

    Args:
        scene: the simulator.
        path: of the ``.npz`` file.
        meta: ``world``, names of the ``variants``, and number of ``actions`` or ``continuous``.
        act: draws an action.
        levels: how many, 0, 1, …
        per_level: states of each.
        apart: least and largest number of steps between two states.
        seed: of the actions.
    """
    rng, found, count = np.random.default_rng(seed), Twins(), len(meta["variants"])
    for level in range(levels):
        scene.reset(level)
        time, kept = 0, 0
        for _ in range(40):
            for _ in range(int(rng.integers(*apart))):
                time += 1
                if not scene.step(act(rng)):
                    scene.reset(level)
                    time = 0
            if not 0 < scene.mask().mean() < 1:
                continue
            frames, mask = prove(scene, count, [act(rng) for _ in range(AHEAD)])
            found.frames.append(frames)
            found.masks.append(mask)
            found.level.append(level)
            found.time.append(time)
            found.factors.append(scene.factors())
            kept += 1
            if kept == per_level:
                break
    factors = {f"factor/{n}": np.array([f[n] for f in found.factors]) for n in found.factors[0]}
    states = len(found.level)
    _save(
        path,
        frames=np.stack(found.frames),
        mask=np.stack(found.masks),
        level=np.array(found.level),
        time=np.array(found.time),
        own=np.zeros(states, dtype=np.int64),
        meta=np.array(json.dumps(meta)),
        **factors,
    )
    print(f"{states} states x {count} variants are twins: {path}, {path.stat().st_size:,} bytes")


def _save(path: Path, **arrays: np.ndarray) -> None:
    """Write the file whole: a full disk leaves the old one, and one line."""
    part = path.with_name(f".{path.name}.part.npz")
    packed = BytesIO()
    np.savez_compressed(packed, **arrays)
    try:
        part.write_bytes(packed.getvalue())
        part.replace(path)
    except OSError as error:
        raise SystemExit(f"expected to write {path}, but: {error}. Free room, and again") from error
    finally:
        part.unlink(missing_ok=True)
