"""Which kept policies are followed through training, and how their runs ended."""

from collections.abc import Sequence
from pathlib import Path

from checkpoints.console import UserError
from checkpoints.policy.ids import LARGEST, PolicyId, parse_id
from checkpoints.runs.folder import standing


def kept_names(ids: Sequence[str], root: Path, until: int) -> list[str]:
    """Every kept step that ``ids`` cover, no later than ``until`` if that is not 0.

    Raises:
        UserError: none is left.
    """
    from analysis.policies.subjects import every_step

    names = every_step(ids, root)
    if until:
        files = [name for name in names if name.endswith(".safetensors")]
        steps = {name: parse_id(name).step or 0 for name in names if name not in files}
        names = [name for name in names if name in files or steps[name] <= until]
    if not names:
        raise UserError(
            f"expected kept steps up to {until:,} under {root}, found none; ask for more"
        )
    return names


def why_ended(root: Path, run: PolicyId) -> str:
    """Why a run failed, in at most some hundred printable characters; empty where it did not."""
    now = standing(root / str(run), LARGEST["step"] + 1)
    if now.state != "failed":
        return ""
    why = "".join(one if one.isprintable() else " " for one in now.why)
    return f"failed: {why[:300]}"
