"""Restore runs from their archives (``checkpoints.runs.pack``), trusting nothing that these say.

An archive is unpacked into a hidden folder beside the runs and checked whole; then that folder and
the run's change places in one step, so that a kill at any moment leaves the old run or the new one.
"""

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from checkpoints.console import MachineTrouble, UserError
from checkpoints.doors.tensors import is_half
from checkpoints.policy.ids import PolicyId, parse_id
from checkpoints.policy.recipes import differences
from checkpoints.policy.store import policy_path
from checkpoints.runs.exchange import exchange
from checkpoints.runs.folder import FAILED, LOCK, PROGRESS, STATE, only_process, read_save
from checkpoints.runs.pack import MANIFEST, Manifest, each, parse_manifest
from checkpoints.runs.tarball import damaged, members
from checkpoints.runs.whole import check_run

HIDDEN = ".unpacking-"
_OWN = (STATE, PROGRESS, FAILED, MANIFEST)
_MEMBER = re.compile(
    r"(?P<run>[a-z]+/[a-z0-9-]+/[0-9]+)/(?P<file>peer[0-9]+/step[0-9]+\.safetensors|"
    + "|".join(re.escape(name) for name in _OWN)
    + ")"
)


@contextmanager
def _hidden(root: Path) -> Iterator[Path]:
    """A hidden folder below ``root`` that is removed in the end; those of killed ones go first."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        for left in root.glob(f"{HIDDEN}*"):
            _remove_unheld(left)
        folder = Path(tempfile.mkdtemp(dir=root, prefix=f"{HIDDEN}{os.getpid()}-"))
        with open(folder / LOCK, "w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise MachineTrouble(
            f"expected to unpack under {root}, but: {error}. Free room or choose another folder"
        ) from error


def _remove_unheld(folder: Path) -> None:
    try:
        with open(folder / LOCK) as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        return  # another process unpacks there
    except OSError:
        # No lock: it was killed in between, or has this moment begun.
        if not _is_alive(folder.name.removeprefix(HIDDEN).partition("-")[0]):
            shutil.rmtree(folder, ignore_errors=True)


def _is_alive(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ValueError, OverflowError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def _extract(archive: Path, hidden: Path) -> PolicyId:
    """Write the files of an archive, if they are those of one run and nothing else."""
    runs, seen = set(), set()
    for name, content in members(archive):
        match = _MEMBER.fullmatch(name)
        if match is None:
            raise damaged(archive, f"{name!r} is no file of a run")
        runs.add(match["run"])
        if len(runs) != 1 or name in seen:
            raise damaged(archive, f"files of {len(runs)} runs, or one file twice")
        seen.add(name)
        path = hidden / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    if not runs:
        raise damaged(archive, "no file")
    run = parse_id(runs.pop())
    for needed in (STATE, MANIFEST):
        if f"{run}/{needed}" not in seen:
            raise damaged(archive, f"no {needed}")
    return run


def _check(hidden: Path, run: PolicyId) -> Manifest:
    """Read every file as it will be read later on; the manifest must agree with them."""
    folder = hidden / str(run)
    manifest = parse_manifest((folder / MANIFEST).read_bytes(), Path(MANIFEST))
    there = {
        parse_id(path.relative_to(hidden).with_suffix("").as_posix())
        for path in folder.glob("peer*/step*.safetensors")
    }
    step = check_run(folder, run, hidden, there)
    if (manifest.id, manifest.step) != (str(run), step):
        raise UserError(f"{manifest.id} at step {manifest.step:,} is {run} at step {step:,}")
    if sorted(map(str, there)) != sorted((*manifest.whole, *manifest.half)):
        raise UserError(f"{MANIFEST} lists other policies than there are")
    for one in there:
        if is_half(policy_path(hidden, one)) != (str(one) in manifest.half):
            raise UserError(f"{one} is not of the precision that {MANIFEST} says")
    return manifest


def _refuse_worse(folder: Path, fresh: Path, run: PolicyId) -> None:
    """Refuse to replace a save by one of another recipe or of fewer steps."""
    if not (folder / STATE).exists():
        return
    there, packed = read_save(folder / STATE), read_save(fresh / STATE)
    changed = differences(there.recipe, packed.recipe)
    if changed:
        raise UserError(
            f"{run}: {folder} was trained with another recipe than the archive "
            f"({'; '.join(changed)}). Choose another --output, or give --overwrite"
        )
    if there.step > packed.step:
        raise UserError(
            f"{run}: {folder} is further along ({there.step:,} steps) than the archive "
            f"({packed.step:,}). Keep it, or give --overwrite"
        )


def _take_over(folder: Path, fresh: Path, *, overwrite: bool) -> None:
    """Put what stays of the run in ``folder`` into the fresh one, without copying."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        policy = name.match("peer*/step*.safetensors")
        own = str(name) in _OWN
        target = fresh / name
        if path.is_dir() and not path.is_symlink():
            continue
        if str(name) == LOCK or name.suffix == ".tmp" or (overwrite and (policy or own)):
            continue
        if own and target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        try:
            os.link(path, target, follow_symlinks=False)
        except OSError:
            shutil.copy2(path, target, follow_symlinks=False)


def unpack(archive: Path, root: Path, *, overwrite: bool = False) -> Manifest:
    """Restore a run under ``root``; a run that stands there is gone on with, never set back.

    Policies that are there already stay as they are, since they may be in full precision.

    Args:
        archive: written by :func:`checkpoints.runs.pack.pack`.
        root: folder of runs.
        overwrite: replace the run that is there, its policies too, whatever it is.

    Raises:
        UserError: a damaged or strange archive; a run there that is further along, of another
            recipe, or in training. Nothing is changed then.
    """
    with _hidden(root) as hidden:
        run = _extract(archive, hidden)
        try:
            manifest = _check(hidden, run)
        except UserError as error:
            raise damaged(archive, str(error).replace(f"{hidden}{os.sep}", "")) from error
        fresh, folder = hidden / str(run), root / str(run)
        with only_process(folder):
            if not overwrite:
                _refuse_worse(folder, fresh, run)
            _take_over(folder, fresh, overwrite=overwrite)
            exchange(fresh, folder)
    return manifest


def unpack_all(source: Path, root: Path, overwrite: bool = False) -> None:
    """Restore every archive of a folder.

    Raises:
        UserError: no archive there, or some that were refused; the others are restored.
    """
    archives = sorted(source.glob("*.tar.xz"))
    if not archives:
        raise UserError(f"expected archives (.tar.xz) in {source}; write some with --pack")

    def action(archive: Path) -> str:
        return str(unpack(archive, root, overwrite=overwrite))

    each((one.name, partial(action, one)) for one in archives)
    print(f"runs: {root}")
