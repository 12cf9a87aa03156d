"""Archives: what moves goes on as if it had stayed, what does not fit is said, none is trusted."""

import tarfile
from pathlib import Path

import pytest

from checkpoints.console import UserError
from checkpoints.doors.tensors import is_half
from checkpoints.policy.ids import parse_id
from checkpoints.policy.store import list_policies, load_policy, policy_path
from checkpoints.runs import pack as packing
from checkpoints.runs.folder import STATE, read_save
from checkpoints.runs.pack import MANIFEST, archive_name, pack, pack_all, read_manifest
from checkpoints.runs.queue import Settings as QueueSettings
from checkpoints.runs.queue import main as queue_main
from checkpoints.runs.train import main
from checkpoints.runs.unpack import unpack, unpack_all
from tests.support.queued import STUDY, full_save, packed
from tests.support.tiny import BATCH, RUN, final_bytes, kept_files, log, settings

ID = parse_id(RUN)


@pytest.fixture(scope="module")
def begun(tmp_path_factory) -> Path:
    """A run stopped at iteration 4 of 8; not to be changed."""
    output = tmp_path_factory.mktemp("begun")
    main(settings(output, steps=8 * BATCH, pause=4 * BATCH))
    return output


@pytest.fixture(scope="module")
def archive(begun: Path, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("archives") / archive_name(ID)
    pack(ID, begun, path)
    return path


def moved(archive: Path, output: Path) -> Path:
    unpack(archive, output)
    return output


def test_a_run_that_moved_ends_byte_for_byte_like_one_that_stayed(
    begun: Path, archive: Path, tmp_path: Path
):
    stayed, away = tmp_path / "stayed", moved(archive, tmp_path / "away")
    same_state = (away / RUN / STATE).read_bytes() == (begun / RUN / STATE).read_bytes()
    assert same_state and log(away) == log(begun)
    main(settings(stayed, steps=8 * BATCH))
    main(settings(away, steps=8 * BATCH))
    same = final_bytes(away) == final_bytes(stayed)
    same_kept = kept_files(away) == kept_files(stayed)
    assert (same, same_kept, log(away) == log(stayed)) == (True, True, True)
    assert read_save(away / RUN / STATE).step == 8 * BATCH


def test_tar_reads_an_archive_and_the_same_run_gives_the_same_bytes(
    begun: Path, archive: Path, tmp_path: Path
):
    with tarfile.open(archive) as tar:
        names = tar.getnames()
    kept = [f"{RUN}/peer{k}/step{step}.safetensors" for k in (0, 1) for step in (64, 128, 256)]
    small = [f"{RUN}/{name}" for name in (MANIFEST, STATE, "progress.csv")]
    assert sorted(names) == sorted([*small, *kept]) and names[0] == small[0]
    pack(ID, begun, tmp_path / "again")
    same = (tmp_path / "again").read_bytes() == archive.read_bytes()
    assert same
    assert str(read_manifest(archive)) == "step        256  policies: 6 full"


def test_what_does_not_fit_is_halved_then_left_out_from_the_earliest_on(
    begun: Path, archive: Path, tmp_path: Path, capsys
):
    full = archive.stat().st_size
    small = pack(ID, begun, tmp_path / "half.tar.xz", limit=full - 1)
    assert (len(small.whole), len(small.half), len(small.left_out)) == (0, 6, 0)
    tight = (tmp_path / "half.tar.xz").stat().st_size
    assert tight < full
    least = pack(ID, begun, tmp_path / "least.tar.xz", limit=tight - 1)
    assert least.left_out == (f"{RUN}/peer0/step64", f"{RUN}/peer1/step64")
    assert "4 half, 2 LEFT OUT" in str(least)
    assert (tmp_path / "least.tar.xz").stat().st_size < tight

    away = moved(tmp_path / "least.tar.xz", tmp_path / "away")
    same = final_bytes(away) == final_bytes(begun)
    assert same, "what goes on is never halved"
    assert {kept.step for kept in list_policies(away)} == {128, 256}
    for kept in list_policies(away):
        assert is_half(policy_path(away, kept)) and not is_half(policy_path(begun, kept))
        (a, made), (b, before) = (load_policy(policy_path(root, kept)) for root in (away, begun))
        assert made == before
        for key, value in a.state_dict().items():
            assert (value - b.state_dict()[key]).abs().max() < 1e-3

    again = pack(ID, away, tmp_path / "again.tar.xz")
    assert again == least, "a second move forgets nothing"


def test_a_policy_that_half_precision_changes_stays_whole(
    begun: Path, archive: Path, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr("checkpoints.policy.half_precision.half_precision_shift", lambda *_: 1.0)
    made = pack(ID, begun, tmp_path / "a", limit=archive.stat().st_size - 1)
    assert (len(made.whole), len(made.half), len(made.left_out)) == (4, 0, 2)


def test_a_save_that_does_not_fit_is_refused(begun: Path, tmp_path: Path):
    with pytest.raises(UserError, match=r"expected the save of .* to fit into 5,000 bytes"):
        pack(ID, begun, tmp_path / "a", limit=5000)
    assert not list(tmp_path.iterdir())


def test_policies_that_are_newer_than_the_save_stay_behind(begun: Path, tmp_path: Path):
    root = tmp_path / "runs"
    full_save(root / RUN, 2)
    for kept in list_policies(begun):
        target = policy_path(root, kept)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(policy_path(begun, kept).read_bytes())
    made = pack(ID, root, tmp_path / "a")
    assert {parse_id(name).step for name in made.whole} == {64, 128} and not made.left_out


def test_policies_that_are_there_stay_unless_overwritten(archive: Path, tmp_path: Path):
    away = moved(archive, tmp_path / "away")
    first, *_ = list_policies(away)
    before = policy_path(away, first).read_bytes()
    policy_path(away, first).write_bytes(b"mine")
    extra = policy_path(away, parse_id(f"{RUN}/peer0/step99999"))
    extra.write_bytes(b"of another training")
    unpack(archive, away)
    assert policy_path(away, first).read_bytes() == b"mine" and extra.exists()
    unpack(archive, away, overwrite=True)
    same = policy_path(away, first).read_bytes() == before
    assert same and not extra.exists()
    assert not list(away.glob(".unpacking*"))


# -- many ------------------------------------------------------------------------------------


def test_what_is_up_to_date_is_not_packed_again_and_nothing_older_replaces_it(
    tmp_path: Path, capsys, monkeypatch
):
    root, target = tmp_path / "runs", tmp_path / "packs"
    full_save(root / RUN, 2)
    runs = [parse_id("coinrun/ppo/0"), ID]
    pack_all(runs, root, target)
    assert "step        128  policies: none" in capsys.readouterr().out
    monkeypatch.setattr(packing, "pack", None)
    pack_all(runs, root, target)
    assert "up to date" in capsys.readouterr().out
    monkeypatch.undo()
    full_save(root / RUN, 1)
    with pytest.raises(
        UserError, match=r"further along \(128 steps\) than coinrun/mutual/3 \(64\)"
    ):
        pack_all(runs, root, target)
    pack_all(runs, root, target, overwrite=True)
    assert read_manifest(target / archive_name(ID)).step == BATCH


def test_one_refusal_keeps_no_other_run_from_being_restored(tmp_path: Path, capsys):
    packed(tmp_path, 3)
    (tmp_path / "packs" / "a.tar.xz").write_bytes(b"x")
    with pytest.raises(UserError, match=r"a\.tar\.xz is damaged"):
        unpack_all(tmp_path / "packs", tmp_path / "there")
    assert read_save(tmp_path / "there" / RUN / STATE).step == 3 * BATCH


def test_nothing_to_pack_or_to_unpack(tmp_path: Path):
    with pytest.raises(UserError, match=r"expected runs of the study under .*, but none has begun"):
        pack_all([ID], tmp_path, tmp_path / "packs")
    with pytest.raises(
        UserError, match=r"expected archives \(\.tar\.xz\) in .*; write some with --pack"
    ):
        unpack_all(tmp_path, tmp_path / "runs")


def test_the_command_packs_and_unpacks(tmp_path: Path, capsys):
    study = tmp_path / "study.yaml"
    study.write_text(STUDY)
    full_save(tmp_path / "runs" / "coinrun/ppo/1", 2)
    queue_main(QueueSettings(study, tmp_path / "runs", pack=tmp_path / "packs"))
    queue_main(QueueSettings(study, tmp_path / "there", unpack=tmp_path / "packs"))
    assert "coinrun_ppo_1.tar.xz" in capsys.readouterr().out
    assert read_save(tmp_path / "there" / "coinrun/ppo/1" / STATE).step == 128
