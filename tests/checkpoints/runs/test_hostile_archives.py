"""Damaged and forged archives change nothing; a killed unpack leaves the old run or the new."""

import io
import json
import lzma
import os
import signal
import tarfile
from pathlib import Path

import numpy as np
import pytest

from checkpoints.console import UserError
from checkpoints.doors.tensors import read_header, read_tensors, write_tensors
from checkpoints.policy.ids import parse_id
from checkpoints.policy.store import list_policies
from checkpoints.runs.exchange import exchange
from checkpoints.runs.folder import FAILED, PROGRESS, STATE, read_save
from checkpoints.runs.pack import MANIFEST, archive_name, pack, read_manifest
from checkpoints.runs.tarball import members
from checkpoints.runs.train import main
from checkpoints.runs.unpack import HIDDEN, unpack
from tests.support.hostile_files import changed_bytes, changed_json
from tests.support.tiny import BATCH, kept_files, settings

INPUTS = 120
RUN = "coinrun/ppo/3"
ID = parse_id(RUN)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a run after two iterations, two policies kept."""
    root = tmp_path_factory.mktemp("begun")
    main(settings(root, RUN, steps=2 * BATCH))
    pack(ID, root, root / archive_name(ID))
    return root / archive_name(ID)


def written(path: Path, files: dict[str, bytes], behind: bytes = b"") -> Path:
    """An archive of these files."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name, part in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(part)
            tar.addfile(info, io.BytesIO(part))
    path.write_bytes(lzma.compress(content.getvalue(), preset=0) + behind)
    return path


def changed(files: dict[str, bytes], rng: np.random.Generator) -> dict[str, bytes]:
    """One file left out, renamed, emptied, damaged or, of the manifest, lying."""
    names = list(files)
    name, copy = names[rng.integers(len(names))], dict(files)
    how = rng.integers(5)
    if how == 0:
        del copy[name]
    elif how == 1:
        other = [f"{RUN}/lock", f"{RUN}/peer9/step7.safetensors", "x/y", f"{name}~"]
        copy[other[rng.integers(4)]] = copy.pop(name)
    elif how == 2:
        lying = json.dumps(changed_json(json.loads(files[f"{RUN}/{MANIFEST}"]), rng))
        copy[f"{RUN}/{MANIFEST}"] = lying.encode()
    elif how == 3:
        copy[name] = b"this is text"
    else:
        copy[name] = changed_bytes(copy[name], rng)
    return copy


def test_changed_archives_are_refused_and_change_nothing(archive: Path, tmp_path: Path):
    files, rng, refused = dict(members(archive)), np.random.default_rng(0), 0
    whole, there = archive.read_bytes(), tmp_path / "there"
    unpack(archive, there)
    before, state = kept_files(there, RUN), (there / RUN / STATE).read_bytes()
    for place in range(INPUTS):
        path = tmp_path / "a.tar.xz"
        if place % 3 == 0:
            path.write_bytes(changed_bytes(whole, rng, head=len(whole)))
        else:
            written(path, changed(files, rng))
        try:
            unpack(path, there, overwrite=True)
            unpack(archive, there, overwrite=True)
        except UserError:
            refused += 1
        assert kept_files(there, RUN) == before and (there / RUN / STATE).read_bytes() == state
        assert [one.name for one in there.iterdir()] == ["coinrun"]
    assert 0.8 * INPUTS < refused < INPUTS, refused


@pytest.mark.parametrize(
    ("behind", "message"),
    [
        (lzma.compress(b"more"), "more behind its end"),
        (b"more", "its end is missing"),
        (b"more than xz expects", "Input format not supported"),
        (lzma.compress(b"x")[:-8], "its end is missing"),
    ],
)
def test_nothing_may_follow_the_end(behind: bytes, message: str, archive: Path, tmp_path: Path):
    path = written(tmp_path / "a.tar.xz", dict(members(archive)), behind)
    with pytest.raises(UserError, match=message):
        unpack(path, tmp_path / "there")


def test_what_a_header_promises_is_not_allocated(tmp_path: Path):
    pax, huge = tarfile.TarInfo("x"), tarfile.TarInfo(f"{RUN}/{STATE}")
    pax.type, pax.size, huge.size = tarfile.XHDTYPE, 2**30, 500 * 2**20
    for info, message in ((pax, "'x' is no file of a run"), (huge, "524,288,000 bytes, at most")):
        (tmp_path / "a.tar.xz").write_bytes(lzma.compress(info.tobuf()))
        with pytest.raises(UserError, match=message):
            unpack(tmp_path / "a.tar.xz", tmp_path / "there")
    (tmp_path / "a.tar.xz").write_bytes(bytes(17 * 2**20))
    with pytest.raises(UserError, match="an archive of at most 16,777,216 bytes"):
        read_manifest(tmp_path / "a.tar.xz")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="pipe is a pipe or device; name a regular file"):
        unpack(tmp_path / "pipe", tmp_path / "there")


def test_the_other_run_of_a_manifest_is_refused(archive: Path, tmp_path: Path):
    files = dict(members(archive))
    files[f"{RUN}/{MANIFEST}"] = files[f"{RUN}/{MANIFEST}"].replace(b'"step": 128', b'"step": 64')
    path = written(tmp_path / "a.tar.xz", files)
    with pytest.raises(UserError, match="at step 64 is coinrun/ppo/3 at step 128"):
        unpack(path, tmp_path / "there")


@pytest.mark.parametrize("name", [STATE, PROGRESS, FAILED, MANIFEST, "peer0/step64.safetensors"])
@pytest.mark.parametrize("damage", ["text", "pipe", "device", "large"])
def test_what_could_not_be_unpacked_is_not_packed(name, damage, archive: Path, tmp_path: Path):
    root, target = tmp_path / "runs", tmp_path / "packs" / archive.name
    unpack(archive, root)
    pack(ID, root, target)
    before, path = target.read_bytes(), root / RUN / name
    path.unlink(missing_ok=True)
    if damage == "pipe":
        os.mkfifo(path)
    elif damage == "device":
        path.symlink_to("/dev/zero")
    else:
        path.write_bytes(b"\xff is no text")
        if damage == "large":
            os.truncate(path, 2**31)
    words = {"text": "expected .*, but|damaged", "large": "of at most .* bytes, but .* has 2,147,"}
    with pytest.raises(UserError, match=words.get(damage, "is a pipe or device")) as refused:
        pack(ID, root, target)
    assert str(path) in str(refused.value)
    assert target.read_bytes() == before and len(list(target.parent.iterdir())) == 1


def killed_unpack(archive: Path, root: Path, calls: int, *, late: bool = False) -> bool:
    """Unpack over a run in a fork that kills itself after so many calls; whether it did.

    Those of ``late`` count from when everything is checked and the folders are about to change.
    """
    import sys

    pid = os.fork()
    if not pid:
        left, begun = calls, not late

        def count(frame, event, argument) -> None:
            nonlocal left, begun
            begun = begun or frame.f_code.co_name == "_take_over"
            left -= begun
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.setprofile(count)
        unpack(archive, root, overwrite=True)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


def test_a_kill_leaves_the_old_run_or_the_new_one(archive: Path, tmp_path: Path):
    root, path, rng = tmp_path / "there", tmp_path / RUN / STATE, np.random.default_rng(0)
    unpack(archive, root)
    new = root / RUN / STATE
    tensors, header = read_tensors(new)
    header = {key: text.replace('"iteration": 2', '"iteration": 1') for key, text in header.items()}
    write_tensors(tensors, header, path)
    steps, old = [], path.read_bytes()
    for place in range(24):
        late = place % 2 == 1
        new.write_bytes(old)
        if killed_unpack(archive, root, int(rng.integers(1, 3000 if late else 50_000)), late=late):
            steps.append(read_save(new).step)
        assert read_save(new).step in (BATCH, 2 * BATCH) and len(list_policies(root)) == 2
        assert read_header(new)
    assert set(steps) == {BATCH, 2 * BATCH} and len(steps) >= 12, steps
    unpack(archive, root, overwrite=True)
    assert [one.name for one in root.iterdir()] == ["coinrun"]
    assert read_save(new).step == 2 * BATCH and not list(root.glob(f"{HIDDEN}*"))


def test_folders_change_places(tmp_path: Path, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    exchange(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "a" / "b").exists() and (tmp_path / "b" / "a").exists()
    monkeypatch.setattr("ctypes.CDLL", lambda *_, **__: object())
    exchange(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "a" / "a").exists() and len(list(tmp_path.iterdir())) == 2
