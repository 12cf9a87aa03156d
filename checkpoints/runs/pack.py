"""Archives of runs, finished or not, so that a queue can move to another machine and go on there.

One run is one ``.tar.xz`` of at most 16 MiB: its complete save, byte for byte; progress.csv; the
mark of a failure; and the policies of kept steps. Where these do not fit, all are written in half
precision, as the zoo ships them; where that is still too much, the earliest steps are left out,
which differ least from an untrained policy. ``packed.json`` inside says what was done. TensorBoard
logs are left out: progress.csv holds the same numbers.

``tar xf`` reads the archives, too. Training differs by not a byte on the other machine as far as
its processor and libraries compute alike.
"""

import json
import lzma
import tarfile
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Annotated

import msgspec

from checkpoints.console import MachineTrouble, UserError
from checkpoints.doors.reading import parse_json, read_bytes
from checkpoints.doors.tensors import is_half
from checkpoints.doors.writing import atomic
from checkpoints.policy.ids import PolicyId, parse_id
from checkpoints.policy.store import list_policies, load_policy, policy_path, save_policy
from checkpoints.runs.folder import STATE, read_save
from checkpoints.runs.tarball import LARGEST, LIMIT, damaged, members
from checkpoints.runs.whole import SMALL, check_run

MANIFEST = "packed.json"
# Bytes are modelled by their place in a word of four: a tenth smaller for float32 weights.
_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 6, "lc": 0, "lp": 2, "pb": 2}]


@dataclass(frozen=True)
class Manifest:
    """What an archive holds beside the save."""

    id: str
    step: int
    """environment steps of each peer in the save"""
    whole: tuple[str, ...]
    """kept policies in full precision"""
    half: tuple[str, ...]
    """kept policies in half precision"""
    left_out: tuple[str, ...]
    """kept policies that did not fit"""

    def __str__(self) -> str:
        kinds = {"full": self.whole, "half": self.half, "LEFT OUT": self.left_out}
        listed = [f"{len(names)} {kind}" for kind, names in kinds.items() if names]
        return f"step {self.step:>10,}  policies: {', '.join(listed) or 'none'}"


def archive_name(run: PolicyId) -> str:
    """File name of a run's archive."""
    return f"{run.game}_{run.method}_{run.seed}.tar.xz"


# -- one run ------------------------------------------------------------------------------------


def _piece(name: str, content: bytes) -> bytes:
    """One file of a tar archive, compressed by itself: pieces can be strung together."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    padding = bytes(-len(content) % tarfile.BLOCKSIZE)
    return _compress(info.tobuf() + content + padding)


def _compress(content: bytes) -> bytes:
    return lzma.compress(content, filters=_FILTERS)


def _content(path: Path) -> bytes:
    """A file of a run, if it is of a kind and size that an archive may hold."""
    return read_bytes(path, limit=LARGEST[path.suffix[1:]], what="a file of a run")


def _halved(policy: Path, scratch: Path) -> tuple[bytes, bool]:
    """The policy in half precision, unless that would change its decisions."""
    from checkpoints.policy.half_precision import TOLERANCE, half_precision_shift

    save_policy(*load_policy(policy), scratch, half=True)
    close = half_precision_shift(policy, scratch) <= TOLERANCE
    return (scratch if close else policy).read_bytes(), close


def _policies(
    kept: list[PolicyId], root: Path, room: int, scratch: Path
) -> tuple[dict[PolicyId, bytes], set[PolicyId]]:
    """Pieces of the policies that fit into ``room`` bytes, and which of them are halved."""
    pieces: dict[PolicyId, bytes] = {}
    for one in kept:
        pieces[one] = _piece(f"{one}.safetensors", _content(policy_path(root, one)))
        if sum(map(len, pieces.values())) > room:
            break
    else:
        return pieces, {one for one in kept if is_half(policy_path(root, one))}
    half = set()
    for one in kept:
        content, halved = _halved(policy_path(root, one), scratch / "half.safetensors")
        pieces[one] = _piece(f"{one}.safetensors", content)
        half |= {one} if halved else set()
    steps = sorted({one.step or 0 for one in kept})
    while sum(map(len, pieces.values())) > room:
        first = steps.pop(0)
        pieces = {one: piece for one, piece in pieces.items() if one.step != first}
    return pieces, half & set(pieces)


def _left_out_before(folder: Path) -> set[str]:
    """Policies that an earlier move of this run left behind."""
    path = folder / MANIFEST
    if not path.exists():
        return set()
    content = read_bytes(path, limit=LARGEST["json"], what=f"the {MANIFEST} of a run")
    return set(parse_manifest(content, path).left_out)


def pack(run: PolicyId, root: Path, target: Path, limit: int = LIMIT) -> Manifest:
    """Write the archive of a run, which may be training meanwhile.

    Args:
        run: has begun, so that ``root`` holds a save of it.
        root: folder of runs.
        target: file to write.
        limit: largest size, bytes.

    Raises:
        UserError: no save, or one that does not fit even without any policy; a damaged file, with
            which the archive could not be unpacked.
    """
    folder = root / str(run)
    with tempfile.TemporaryDirectory() as temporary:
        scratch = Path(temporary)
        # Files of a run are replaced, never changed: what is copied here is one complete save.
        for name in (STATE, *SMALL):
            if name == STATE or (folder / name).exists():
                (scratch / name).write_bytes(_content(folder / name))
        try:
            step = read_save(scratch / STATE).step
            kept = [k for k in list_policies(root) if run.covers(k) and (k.step or 0) <= step]
            check_run(scratch, run, root, kept)
        except UserError as error:
            raise UserError(str(error).replace(str(scratch), str(folder))) from error
        small = [
            _piece(f"{run}/{name}", (scratch / name).read_bytes())
            for name in (STATE, *SMALL)
            if (scratch / name).exists()
        ]
        end = _compress(bytes(2 * tarfile.BLOCKSIZE))
        manifest_room = 4096
        room = limit - sum(map(len, small)) - len(end) - manifest_room
        if room < 0:
            raise UserError(
                f"expected the save of {run} to fit into {limit:,} bytes, but it takes "
                f"{sum(map(len, small)):,} without any policy; copy {folder} as it is"
            )
        pieces, half = _policies(kept, root, room, scratch)
    left_out = _left_out_before(folder) | {str(one) for one in kept}
    manifest = Manifest(
        str(run),
        step,
        whole=tuple(str(one) for one in sorted(set(pieces) - half)),
        half=tuple(str(one) for one in sorted(half)),
        left_out=tuple(sorted(left_out - {str(one) for one in pieces}, key=parse_id)),
    )
    first = _piece(f"{run}/{MANIFEST}", (json.dumps(asdict(manifest), indent=1) + "\n").encode())
    with atomic(target) as file:
        file.write_bytes(b"".join([first, *small, *pieces.values(), end]))
    return manifest


class _Manifest(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    step: Annotated[int, msgspec.Meta(ge=0)]
    whole: tuple[str, ...]
    half: tuple[str, ...]
    left_out: tuple[str, ...]


def parse_manifest(content: bytes, archive: Path) -> Manifest:
    """Read the content of ``packed.json``; ``UserError`` where it says nothing or nonsense."""
    try:
        text = content.decode("utf-8")
        found = parse_json(text, _Manifest, where=MANIFEST)
        run = parse_id(found.id)
        for one in (*found.whole, *found.half, *found.left_out):
            if not run.covers(parse_id(one)):
                raise UserError(f"{one} is no policy of {run}")
    except (UserError, UnicodeDecodeError) as error:
        raise damaged(archive, error) from error
    return Manifest(found.id, found.step, found.whole, found.half, found.left_out)


def read_manifest(archive: Path) -> Manifest:
    """What an archive says it holds, without unpacking the rest."""
    for name, content in members(archive):
        if PurePosixPath(name).name == MANIFEST:
            return parse_manifest(content, archive)
        break
    raise damaged(archive, f"no {MANIFEST} at its beginning")


def each(items: Iterable[tuple[str, Callable[[], str]]]) -> None:
    """Do all; what is refused is said in the end and keeps nothing else from being done."""
    refused = []
    for name, action in items:
        try:
            print(f"{name:<32}{action()}", flush=True)
        except MachineTrouble:
            raise
        except UserError as error:
            refused.append(str(error))
    if refused:
        raise UserError("; ".join(refused))


def pack_all(runs: list[PolicyId], root: Path, target: Path, overwrite: bool = False) -> None:
    """Write the archive of every run that has begun; what is up to date is not done again.

    Raises:
        UserError: no run has begun, or an archive is further along than its run.
    """

    def action(run: PolicyId) -> str:
        archive = target / archive_name(run)
        step = read_save(root / str(run) / STATE).step
        known = read_manifest(archive) if archive.exists() and not overwrite else None
        if known is not None and known.step > step:
            raise UserError(
                f"{archive} is further along ({known.step:,} steps) than {run} ({step:,}). Keep "
                "it, or give --overwrite"
            )
        fresh = known is None or known.step < step
        made = pack(run, root, archive) if fresh or known is None else known
        size = f"{archive.stat().st_size / 2**20:5.2f} MiB"
        return f"{made}  {size}{'' if fresh else '  up to date'}"

    begun = [run for run in runs if (root / str(run) / STATE).exists()]
    if not begun:
        raise UserError(f"expected runs of the study under {root}, but none has begun")
    each((str(run), partial(action, run)) for run in begun)
    print(f"{len(begun)} archives: {target}")
