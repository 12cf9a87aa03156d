"""Restoring runs: never set back, nothing trusted, nothing written outside the run."""

import io
import json
import lzma
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from checkpoints.console import UserError
from checkpoints.policy.ids import parse_id
from checkpoints.runs.folder import FAILED, STATE, mark_failed, only_process, read_save
from checkpoints.runs.pack import archive_name, read_manifest
from checkpoints.runs.unpack import unpack
from tests.support.queued import RECIPE, packed, save
from tests.support.tiny import BATCH, RUN

ID = parse_id(RUN)


def test_a_run_there_goes_on_but_is_never_set_back(tmp_path: Path):
    there = tmp_path / "there"
    save(there / RUN, 3, RECIPE)
    unpack(packed(tmp_path / "far", 5), there)
    assert read_save(there / RUN / STATE).step == 5 * BATCH
    behind = packed(tmp_path / "near", 4)
    with pytest.raises(UserError, match=r"further along \(320 steps\) than the archive \(256\)"):
        unpack(behind, there)
    assert read_save(there / RUN / STATE).step == 5 * BATCH
    unpack(behind, there, overwrite=True)
    assert read_save(there / RUN / STATE).step == 4 * BATCH


def test_a_run_of_another_recipe_is_not_replaced(tmp_path: Path):
    save(tmp_path / "there" / RUN, 1, replace(RECIPE, l2=0.5))
    with pytest.raises(UserError, match=r"another recipe than the archive \(l2: 0.5 → 0.0\)"):
        unpack(packed(tmp_path, 5), tmp_path / "there")


def test_a_run_in_training_is_not_replaced(tmp_path: Path):
    archive = packed(tmp_path, 5)
    with (
        only_process(tmp_path / "there" / RUN),
        pytest.raises(UserError, match="another process is train"),
    ):
        unpack(archive, tmp_path / "there", overwrite=True)


def test_a_mark_of_failure_moves_along(tmp_path: Path):
    save(tmp_path / "runs" / RUN, 2, RECIPE)
    mark_failed(tmp_path / "runs" / RUN, "diverged")
    unpack(packed(tmp_path, 2), tmp_path / "there")
    assert json.loads((tmp_path / "there" / RUN / FAILED).read_text())["why"] == "diverged"


def archived(path: Path, **files: bytes | tarfile.TarInfo) -> Path:
    """An archive written by somebody else; dots and slashes of names come as _d_ and _s_."""
    with tarfile.open(path, "w:xz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name.replace("_d_", ".").replace("_s_", "/"))
            if isinstance(content, tarfile.TarInfo):
                info.type, info.linkname = content.type, content.linkname
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return path


def link(kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo()
    info.type, info.linkname = kind, "../../../../outside"
    return info


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("_d__d__s_outside", b"x"),
        ("_s_outside", b"x"),
        ("coinrun_s_mutual_s_3_s__d__d__s_state_d_safetensors", b"x"),
        ("coinrun_s_mutual_s_3_s_train_d_py", b"x"),
        ("coinrun_s_mutual_s_3_s_lock", b"x"),
        ("coinrun_s_mutual_s_3_s_progress_d_csv", link(tarfile.SYMTYPE)),
        ("coinrun_s_mutual_s_3_s_progress_d_csv", link(tarfile.LNKTYPE)),
    ],
)
def test_strange_members_are_refused_and_nothing_is_written(name, content, tmp_path: Path):
    strange = archived(tmp_path / "a.tar.xz", **{name: content})
    with pytest.raises(UserError, match=r"damaged or of another kind .* is no file of a run"):
        unpack(strange, tmp_path / "runs")
    assert not list((tmp_path / "runs").iterdir()) and not (tmp_path / "outside").exists()


def two_runs(path: Path) -> None:
    files = {f"coinrun_s_ppo_s_{k}_s_state_d_safetensors": b"x" for k in (0, 1)}
    archived(path, **files)


def stateless(path: Path) -> None:
    archived(path, coinrun_s_ppo_s_0_s_progress_d_csv=b"x")


def unknown(path: Path) -> None:
    archived(path, coinrum_s_ppo_s_0_s_state_d_safetensors=b"x")


def garbled(path: Path) -> None:
    archived(
        path,
        coinrun_s_ppo_s_0_s_packed_d_json=manifest_of("coinrun/ppo/0"),
        coinrun_s_ppo_s_0_s_state_d_safetensors=b"x",
    )


def manifest_of(run: str) -> bytes:
    nothing = {"step": 0, "whole": [], "half": [], "left_out": []}
    return json.dumps({"id": run, **nothing}).encode()


def cut(path: Path) -> None:
    packed(path.parent, 3)
    whole = (path.parent / "packs" / archive_name(ID)).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (two_runs, "files of 2 runs"),
        (stateless, "no state.safetensors"),
        (unknown, "unknown game 'coinrum'"),
        (garbled, "expected a complete safetensors file, but .*state.* is truncated, corrupted"),
        (cut, "damaged or of another kind .its end is missing"),
        (
            lambda path: path.write_bytes(b"not xz"),
            "a.tar.xz is damaged or of another kind .its end is missing",
        ),
        (
            lambda path: path.write_bytes(lzma.compress(b"no tar" * 99)),
            "a.tar.xz is damaged or of another",
        ),
    ],
)
def test_damaged_archives_are_refused(write: Callable, message: str, tmp_path: Path):
    write(tmp_path / "a.tar.xz")
    with pytest.raises(UserError, match=message):
        unpack(tmp_path / "a.tar.xz", tmp_path / "there")
    assert not list((tmp_path / "there").rglob("*.safetensors"))


def test_an_archive_that_would_fill_the_disk_is_refused(tmp_path: Path, monkeypatch):
    archive = packed(tmp_path, 3)
    monkeypatch.setattr("checkpoints.runs.tarball.UNPACKED_LIMIT", 100)
    with pytest.raises(UserError, match="more than 100 bytes"):
        unpack(archive, tmp_path / "there")


def test_a_manifest_that_says_nothing_is_named(tmp_path: Path):
    archived(tmp_path / "a.tar.xz", coinrun_s_ppo_s_0_s_packed_d_json=b"{}")
    with pytest.raises(
        UserError, match=r"damaged.*packed.json: Object missing required field `id`"
    ):
        read_manifest(tmp_path / "a.tar.xz")
    archived(tmp_path / "b.tar.xz", coinrun_s_ppo_s_0_s_state_d_safetensors=b"{}")
    with pytest.raises(UserError, match=r"no packed.json at its beginning"):
        read_manifest(tmp_path / "b.tar.xz")
