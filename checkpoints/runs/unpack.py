"""Restore runs from their archives (``checkpoints.runs.pack``), trusting nothing that these say."""

import lzma
import re
import shutil
import tarfile
import tempfile
from functools import partial
from pathlib import Path

from checkpoints.console import UserError
from checkpoints.doors.writing import atomic
from checkpoints.policy.ids import PolicyId, parse_id
from checkpoints.policy.recipes import differences
from checkpoints.runs.folder import FAILED, PROGRESS, STATE, only_process, read_save
from checkpoints.runs.pack import LIMIT, MANIFEST, Manifest, damaged, each, parse_manifest

_UNPACKED_LIMIT = 32 * LIMIT
_MEMBER = re.compile(
    r"(?P<run>[a-z]+/[a-z0-9-]+/\d+)/(?P<file>peer\d+/step\d+\.safetensors|"
    + "|".join(re.escape(name) for name in (STATE, PROGRESS, FAILED, MANIFEST))
    + ")"
)


def _checked(tar: tarfile.TarFile, archive: Path) -> tuple[PolicyId, list[tarfile.TarInfo]]:
    """The members, if they are the files of one run and nothing else."""
    members, runs, total = [], set(), 0
    for member in tar:
        match = _MEMBER.fullmatch(member.name)
        if match is None or not member.isreg():
            raise damaged(archive, f"{member.name!r} is no file of a run")
        runs.add(match["run"])
        total += member.size
        members.append(member)
        if total > _UNPACKED_LIMIT:
            raise damaged(archive, f"more than {_UNPACKED_LIMIT:,} bytes")
    if len(runs) != 1 or len({member.name for member in members}) < len(members):
        raise damaged(archive, f"files of {len(runs)} runs, or one file twice")
    run = parse_id(runs.pop())
    if f"{run}/{STATE}" not in {member.name for member in members}:
        raise damaged(archive, f"no {STATE}")
    return run, members


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


def unpack(archive: Path, root: Path, *, overwrite: bool = False) -> Manifest:
    """Restore a run under ``root``; a run that stands there is gone on with, never set back.

    Policies that are there already stay as they are, since they may be in full precision.

    Args:
        archive: written by :func:`pack`.
        root: folder of runs.
        overwrite: replace the run that is there, its policies too, whatever it is.

    Raises:
        UserError: a damaged or strange archive; a run there that is further along, of another
            recipe, or in training.
    """
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root, prefix=".unpacking-") as temporary:
        try:
            with tarfile.open(archive, "r:xz") as tar:
                run, members = _checked(tar, archive)
                tar.extractall(temporary, members, filter="data")
        except (tarfile.TarError, lzma.LZMAError, EOFError) as error:
            raise damaged(archive, error) from error
        fresh, folder = Path(temporary) / str(run), root / str(run)
        read_save(fresh / STATE)
        with only_process(folder):
            if overwrite:
                for path in [*folder.glob("peer*/step*.safetensors"), folder / FAILED]:
                    path.unlink(missing_ok=True)
            else:
                _refuse_worse(folder, fresh, run)
            # The save comes last: after a kill the old one stands, and leads to the same files.
            files = [path for path in sorted(fresh.rglob("*")) if path.is_file()]
            for path in sorted(files, key=lambda path: path.name == STATE):
                target = folder / path.relative_to(fresh)
                if path.parent == fresh or not target.exists():
                    with atomic(target) as place:
                        shutil.move(path, place)
    return parse_manifest((folder / MANIFEST).read_text(), archive)


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
