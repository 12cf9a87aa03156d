"""Training as a user runs it: resume to the byte, Ctrl-C, and wrong requests."""

import math
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from checkpoints.console import UserError
from checkpoints.policy.ids import parse_id
from checkpoints.policy.recipes import METHODS, from_dict
from checkpoints.runs.folder import STATE
from checkpoints.runs.train import Settings, Stop, defaults, main, only_process
from checkpoints.training.group import Group
from tests.support.patience import PATIENCE
from tests.support.tiny import BATCH, RUN, TINY, final_bytes, kept_files, settings
from tests.support.tree import ROOT

FLAGS = [f"--recipe.{key.replace('_', '-')}={value}" for key, value in TINY.items()]
ITERATIONS = 12
STEPS = ITERATIONS * BATCH


def command(output: Path, *more: str, run: str = RUN) -> list[str]:
    quiet = ["--threads", "1", "--evaluate-episodes", "0", "--save-seconds", "0"]
    base = [sys.executable, "-W", "ignore", "-m", "checkpoints.train", run, *quiet]
    return [*base, "--steps", str(STEPS), "--output", str(output), *FLAGS, *more]


def launch(output: Path, *more: str, run: str = RUN) -> subprocess.Popen:
    return subprocess.Popen(
        command(output, *more, run=run),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> Path:
    output = tmp_path_factory.mktemp("whole")
    process = launch(output)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    return output


def test_stopping_between_any_iterations_changes_no_byte(
    uninterrupted: Path, tmp_path: Path, capsys
):
    for done in (1, 4, 5, ITERATIONS):
        main(settings(tmp_path, steps=done * BATCH))
    said = f"{RUN}: training from step {BATCH:.0f} to {4 * BATCH:.0f} of each peer"
    assert said in capsys.readouterr().err.splitlines()
    assert final_bytes(tmp_path) == final_bytes(uninterrupted)


def test_the_byte_comparison_can_fail(uninterrupted: Path, tmp_path: Path):
    other = RUN.replace("/3", "/4")
    main(settings(tmp_path, other, steps=STEPS))
    assert final_bytes(tmp_path, other) != final_bytes(uninterrupted)


def test_policies_are_kept_at_log_spaced_steps(uninterrupted: Path):
    expected = {
        f"peer{k}/step{i * int(BATCH)}.safetensors" for k in (0, 1) for i in (1, 2, 4, 8, 12)
    }
    assert set(kept_files(uninterrupted)) == expected


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_save_and_say_how_to_go_on(number: signal.Signals, tmp_path: Path):
    process = launch(tmp_path, "--steps", "1e9")
    assert process.stdout.readline().startswith("frames a second")
    assert process.stdout.readline().startswith(RUN)
    process.send_signal(number)
    output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "stopping after this iteration" in errors and "Traceback" not in errors
    assert "the same command goes on from there" in output
    assert (tmp_path / RUN / STATE).exists()


def test_two_signals_at_once_are_one_and_a_later_one_insists(monkeypatch):
    with Stop() as stop:
        for _ in range(2):
            signal.raise_signal(signal.SIGTERM)
        assert stop.asked
        monkeypatch.setattr("checkpoints.runs.train.TOGETHER", 0.0)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)


def test_the_log_has_a_row_of_each_peer_and_iteration(uninterrupted: Path):
    text = (uninterrupted / RUN / "progress.csv").read_text()
    assert "train_return" in text and text.count("\n") == 2 * ITERATIONS + 1


@pytest.mark.parametrize(
    ("seconds", "rate", "left"),
    [(2.0, 64, ("0:33:18", "0:33:16")), (1 / 16, 2048, ("0:01:02",) * 2)],
)
def test_progress_says_rate_time_left_and_returns(
    seconds, rate, left, tmp_path, monkeypatch, capsys
):
    """Two iterations of 1,000, by a clock that each moves on; two peers take 64 steps in one."""
    now = 0.0

    def iterate(group: Group, *_) -> list[dict[str, float]]:
        nonlocal now
        now += seconds
        for peer in group.peers:
            peer.finished = [peer.index + 1.0, peer.index + 2.0]
        return [{"loss": 0.0}] * 2

    monkeypatch.setattr(Group, "iterate", iterate)
    monkeypatch.setattr("checkpoints.runs.train.time", SimpleNamespace(monotonic=lambda: now))
    main(settings(tmp_path, steps=1000 * BATCH, pause=2 * BATCH))
    lines = [line for line in capsys.readouterr().out.splitlines() if " left" in line]
    returns = "train 1.50 unseen nan  |  train 2.50 unseen nan"
    assert lines == [
        f"{RUN}  step {step:>10}  |  {returns}  {rate:,} agent-steps/s  {time} left"
        for step, time in zip((64, 128), left, strict=True)
    ]


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ("bigfsh/mutual/0", "unknown game 'bigfsh'.*Did you mean 'bigfish'"),
        ("bigfish/mutuall/0", "unknown method 'mutuall'"),
        ("bigfish/mutual", "expected an id such as bigfish/mutual/0"),
        ("bigfish/mutual/00", "without leading zeros"),
        ("bigfish/mutual/0/peer1", "expected a run such as bigfish/mutual/0"),
        ("bigfish/untrained/0", "unknown method 'untrained'"),
    ],
)
def test_a_wrong_id_is_named(run: str, message: str, tmp_path: Path):
    with pytest.raises(UserError, match=message):
        main(settings(tmp_path, run))


def test_cuda_without_cuda(tmp_path: Path):
    with pytest.raises(UserError, match="expected a CUDA device"):
        main(settings(tmp_path, device="cuda"))


def test_a_recipe_of_another_method_is_refused(tmp_path: Path):
    other = replace(settings(tmp_path).recipe, alpha=0.5)
    with pytest.raises(UserError, match=r"the method mutual has alpha 1.0, got 0.5; name the"):
        main(replace(settings(tmp_path), recipe=other))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": math.nan}, "--steps: expected a number from 1 to .*, got nan"),
        ({"threads": -1}, "--threads: expected a whole number from 0 to 1,024, got -1"),
        ({"evaluate_every": 0}, "--evaluate-every: expected a whole number from 1 .* got 0"),
        ({"backgrounds": (99,)}, "--backgrounds: expected a whole number from 0 to 62, got 99"),
        ({"backgrounds": (0,)}, "coinrun: expected 1 to 62 backgrounds, got 0"),
        ({"id": f"coinrun/mutual/{10**20}"}, "expected a seed of at most 2,147,483,647"),
    ],
)
def test_numbers_out_of_range_are_refused_before_any_work(change, message, tmp_path: Path):
    with pytest.raises(UserError, match=message):
        main(replace(settings(tmp_path), **change))
    assert not list(tmp_path.iterdir())


def test_no_steps(tmp_path: Path):
    with pytest.raises(UserError, match=r"--steps: expected a number from 1 to 1e\+12, got 0.0"):
        main(settings(tmp_path, steps=0.0))


def test_a_second_process_on_the_same_run_is_refused(tmp_path: Path):
    with (
        only_process(tmp_path / RUN),
        pytest.raises(UserError, match="another process is training in"),
    ):
        main(settings(tmp_path))


def test_a_folder_that_cannot_be_made(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="expected a folder that can be written"):
        main(settings(tmp_path / "file"))


def test_going_on_with_another_recipe_is_refused(tmp_path: Path):
    main(settings(tmp_path))
    before = final_bytes(tmp_path)
    other = from_dict(METHODS["mutual"].__dict__ | TINY | {"clip": 0.5})
    with pytest.raises(UserError, match=r"another recipe \(clip: 0.2 → 0.5\)"):
        main(Settings(RUN, other, steps=2 * BATCH, output=tmp_path, evaluate_episodes=0))
    assert final_bytes(tmp_path) == before


def test_going_on_with_another_encoder_or_game_is_refused(tmp_path: Path):
    main(settings(tmp_path))
    asked = settings(tmp_path, steps=2 * BATCH)
    other = replace(asked, recipe=replace(asked.recipe, encoder="impala"))
    with pytest.raises(UserError, match=r"another recipe \(encoder: nature → impala\)"):
        main(other)
    moved = RUN.replace("coinrun", "starpilot")
    (tmp_path / moved).parent.mkdir(parents=True)
    (tmp_path / RUN).rename(tmp_path / moved)
    with pytest.raises(UserError, match=r"another game \(coinrun → starpilot\)"):
        main(replace(asked, id=moved))


def test_a_damaged_save_is_refused(tmp_path: Path):
    main(settings(tmp_path))
    path = tmp_path / RUN / STATE
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(
        UserError, match=f"expected a complete safetensors file, but .*{STATE} is trunc"
    ):
        main(settings(tmp_path, steps=2 * BATCH))


def test_a_diverged_run_stops_and_keeps_its_last_save(tmp_path: Path, monkeypatch):
    main(settings(tmp_path))
    before = final_bytes(tmp_path)
    nan = [{"loss": float("nan")}] * 2
    monkeypatch.setattr(Group, "iterate", lambda *_: nan)
    with pytest.raises(UserError, match="peer 0 diverged at step 128: loss not finite"):
        main(settings(tmp_path, steps=2 * BATCH))
    assert final_bytes(tmp_path) == before


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--recipe.encoderr", "nature"], "Unrecognized options: --recipe.encoderr"),
        (["--recipe.levels", "many"], "Error parsing --recipe.levels: .*many"),
        (["--recipe.encoder", "resnet"], "invalid choice 'resnet' for argument '--recipe.encoder'"),
        (["--recipe.minibatches", "7"], "multiple of minibatches, got 64 steps for 7 minibatches"),
    ],
)
def test_wrong_flags_stop_the_run_without_traceback(flags: list[str], message: str, tmp_path: Path):
    process = launch(tmp_path, *flags)
    output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert "Traceback" not in errors
    assert re.search(message, " ".join((output + errors).replace("│", "").split()))
    assert not list(tmp_path.iterdir())


def test_ids_print_back_unchanged():
    for text in ("bigfish/mutual/0", "coinrun/ppo/12/peer0", "maze/ppo-l2/3/peer1/step2048"):
        assert str(parse_id(text)) == text


def test_the_command_line_takes_the_recipe_of_the_method_named():
    assert defaults(["starpilot/ppo-bg4/0"]).recipe.backgrounds == (0, 4, 8, 12)


@pytest.mark.parametrize(
    ("backgrounds", "message"),
    [
        ((14,), "starpilot: expected 1 to 13 backgrounds, got 14"),
        ((0, 13), "starpilot: expected a background from 0 to 12, got 13"),
        ((2, 2), "expected different backgrounds, got 2, 2"),
    ],
)
def test_wrong_backgrounds_stop_a_run(backgrounds, message, tmp_path: Path):
    with pytest.raises(UserError, match=message):
        main(Settings("starpilot/ppo/0", backgrounds=backgrounds, output=tmp_path))
