"""A teacher: a kept policy that others learn from while it stays as it is."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from checkpoints.console import UserError
from checkpoints.doors.reading import short_hash
from checkpoints.policy.ids import parse_id
from checkpoints.policy.recipes import Recipe
from checkpoints.policy.store import find_policies, load_policy, policy_path

if TYPE_CHECKING:
    from checkpoints.policy.encoders import Policy


def load_teacher(recipe: Recipe, game: str, root: Path) -> "tuple[Recipe, Policy | None]":
    """The teacher that ``recipe`` names, and the recipe with the teacher pinned to its file.

    A pinned teacher reads ``game/method/seed/peerK/stepN@HASH``, with the first 16 hex digits of
    the file's SHA-256: it stands in the provenance of what is trained, and a run goes on with no
    other.

    Args:
        recipe: of the run; without a teacher it comes back as it is, and ``None`` with it.
        game: of the run.
        root: folder of runs, in which the teacher lies.

    Raises:
        UserError: no such policy under ``root``, several, one of another game, or not the file
            that it was pinned to.
    """
    if not recipe.teacher:
        return recipe, None
    name, _, wanted = recipe.teacher.partition("@")
    asked = parse_id(name)
    if asked.game != game:
        raise UserError(f"expected a teacher that plays {game}, got {name}")
    found = find_policies(asked, root)
    if len(found) > 1:
        listed = " or ".join(map(str, found))
        raise UserError(f"expected one teacher, got {name} with several peers; name {listed}")
    path = policy_path(root, found[0])
    digest = short_hash(path)
    if wanted not in ("", digest):
        raise UserError(
            f"expected the teacher {recipe.teacher}, but {path} has the hash {digest}: it was "
            "trained anew. Put the old file back, or train this run anew in another --output"
        )
    policy, _ = load_policy(path)
    return replace(recipe, teacher=f"{found[0]}@{digest}"), policy.requires_grad_(False)
