"""Is all of a run what it should be? Asked of what comes out of an archive, and of what goes in."""

from collections.abc import Iterable
from pathlib import Path

from checkpoints.doors.reading import read_text
from checkpoints.policy.ids import PolicyId
from checkpoints.policy.store import load_policy, policy_path
from checkpoints.runs.folder import FAILED, PROGRESS, STATE, read_failure
from checkpoints.runs.saves import read_checked
from checkpoints.runs.tarball import LARGEST

SMALL = (PROGRESS, FAILED)
"""Files of a run that may be missing, beside its save and policies."""


def check_run(folder: Path, run: PolicyId, root: Path, policies: Iterable[PolicyId]) -> int:
    """Read every file of a run as it will be read later on.

    Args:
        folder: holds its save, log and mark of a failure.
        run: its id.
        root: folder of runs, in which its policies lie.
        policies: those of the run to be read.

    Returns:
        The environment steps of each peer in the save.

    Raises:
        UserError: the first file that is not what it should be.
    """
    save = read_checked(folder / STATE, run.game)
    for one in policies:
        load_policy(policy_path(root, one))
    if (folder / PROGRESS).exists():
        read_text(folder / PROGRESS, limit=LARGEST["csv"], what="a log")
    read_failure(folder)
    return save.content.iteration * save.content.settings.batch
