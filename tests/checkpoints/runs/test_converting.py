"""Weights of other programs: the same decisions under our names, and nothing run or guessed."""

import pickle
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from checkpoints.console import UserError
from checkpoints.policy.foreign import convert, read_weights, recognise
from checkpoints.policy.ids import parse_id
from checkpoints.policy.store import list_policies, load_policy, policy_path
from checkpoints.runs.converting import ALL_LEVELS, Settings, main
from tests.support.foreign import PROGRAMS, foreign_forward, foreign_state

EACH = pytest.mark.parametrize("source", PROGRAMS)
CLEANRL, APART = "cleanrl ppo_procgen", "arXiv 2501.02481, encoder and heads"


def frames(count: int = 3) -> Tensor:
    draws = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (count, 64, 64, 3), generator=draws, dtype=torch.uint8)


def settings(file: Path, folder: Path, **given) -> Settings:
    usual = {"id": "starpilot/ppo/7", "mode": "hard", "levels": 500, "steps": 1000}
    return Settings(**{"file": file, "output": folder / "runs", **usual, **given})


# --- files and the command ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["pth", "old pth", "safetensors"])
def test_the_command_writes_a_policy_that_loads_with_its_provenance(kind, tmp_path, capsys):
    state, file = foreign_state(CLEANRL), tmp_path / f"agent.{kind.split()[-1]}"
    if kind == "safetensors":
        save_file(state, file)
    else:
        torch.save(state, file, _use_new_zipfile_serialization=kind == "pth")
    main(settings(file, tmp_path, mode="easy", levels=0))
    path = Path(capsys.readouterr().out.splitlines()[-1])
    assert list_policies(tmp_path / "runs") == [parse_id("starpilot/ppo/7/peer0/step1000")]
    policy, made = load_policy(path)
    recipe = made.settings()
    assert (recipe.encoder, recipe.features, recipe.mode) == ("impala", 256, "easy")
    assert (recipe.levels, made.steps) == (ALL_LEVELS, 1000)
    assert made.versions["source"] == "cleanrl ppo_procgen"
    assert len(made.versions["sha256 of file"]) == 64
    with torch.no_grad():
        found = policy(frames())
    torch.testing.assert_close(found, foreign_forward(state, CLEANRL, frames()))


def saved_apart(folder: Path) -> tuple[dict[str, Tensor], Path, Path]:
    """As the public code of arXiv 2501.02481 does: encoder and actor, no critic."""
    state = foreign_state(APART)
    actor = {name: state.pop(f"actor.{name}") for name in ("weight", "bias")}
    for name in ("weight", "bias"):
        del state[f"critic.{name}"]
    torch.save(state, folder / "encoder_agent_1_seed_1.pth")
    torch.save(actor, folder / "actor_agent_1_seed_1.pth")
    return state, folder / "encoder_agent_1_seed_1.pth", folder / "actor_agent_1_seed_1.pth"


def test_encoder_and_actor_saved_apart_and_no_critic(tmp_path):
    _, encoder, actor = saved_apart(tmp_path)
    main(settings(encoder, tmp_path, id="bigfish/mutual/1/peer1", actor=actor, without_critic=True))
    path = policy_path(tmp_path / "runs", parse_id("bigfish/mutual/1/peer1/step1000"))
    policy, made = load_policy(path)
    assert made.settings().peers == 2 and made.versions["critic"].startswith("not saved")
    with torch.no_grad():
        logits, values = policy(frames())
    wanted, _ = foreign_forward(foreign_state(APART), APART, frames())
    torch.testing.assert_close(logits, wanted)
    assert not values.any()


def test_a_critic_of_its_own_file(tmp_path):
    _, encoder, actor = saved_apart(tmp_path)
    critic = {name: foreign_state(APART)[f"critic.{name}"] for name in ("weight", "bias")}
    save_file(critic, tmp_path / "critic.safetensors")
    files = {"actor": actor, "critic": tmp_path / "critic.safetensors"}
    main(settings(encoder, tmp_path, **files))
    (kept,) = list_policies(tmp_path / "runs")
    policy, _ = load_policy(policy_path(tmp_path / "runs", kept))
    with torch.no_grad():
        found = policy(frames())
    torch.testing.assert_close(found, foreign_forward(foreign_state(APART), APART, frames()))


# --- what is refused ----------------------------------------------------------------------------


def test_missing_heads_are_named(tmp_path):
    _, encoder, actor = saved_apart(tmp_path)
    with pytest.raises(UserError, match="got one without actor and critic: give its file with"):
        main(settings(encoder, tmp_path))
    with pytest.raises(UserError, match=r"got one without critic: .*--without-critic writes one"):
        main(settings(encoder, tmp_path, actor=actor))


def test_a_critic_that_is_there_is_not_replaced(tmp_path):
    save_file(foreign_state(CLEANRL), tmp_path / "agent.safetensors")
    with pytest.raises(UserError, match="hold a critic: leave out --without-critic"):
        main(settings(tmp_path / "agent.safetensors", tmp_path, without_critic=True))


def test_unknown_architectures_are_told_what_was_expected():
    names = set(foreign_state(CLEANRL))
    changed = names - {"network.5.weight"} | {"lstm.weight"}
    message = "for cleanrl ppo_procgen missing network.5.weight, and not known lstm.weight"
    with pytest.raises(UserError, match=message):
        recognise(changed)
    with pytest.raises(UserError, match=r"missing 0.conv.bias.* and \d+ more.*not known w\. Use"):
        recognise({"w"} | {f"{i}.conv.weight" for i in range(3)})


@pytest.mark.parametrize(
    ("name", "shape"),
    [("network.0.conv.weight", (8, 3, 3, 3)), ("actor.weight", (9, 256)), ("critic.bias", (2,))],
)
def test_another_shape_is_refused(name, shape):
    state = foreign_state(CLEANRL) | {name: torch.zeros(shape)}
    message = f"{name}: expected shape .*, got {re.escape(str(shape))}; only IMPALA"
    with pytest.raises(UserError, match=message):
        convert(state)


class Trap:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("write", [torch.save, lambda x, path: path.write_bytes(pickle.dumps(x))])
def test_code_in_a_file_is_not_run(write, tmp_path):
    write({"network.0.conv.weight": Trap(tmp_path / "ran")}, tmp_path / "agent.pth")
    with pytest.raises(UserError, match=r"holds more than tensors.*refused"):
        read_weights(tmp_path / "agent.pth")
    assert not (tmp_path / "ran").exists()


def test_a_whole_module_is_refused(tmp_path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "agent.pth")
    with pytest.raises(UserError, match=r"save its state_dict\(\) as safetensors"):
        read_weights(tmp_path / "agent.pth")


def test_files_that_hold_something_else(tmp_path):
    file = tmp_path / "agent.pth"
    with pytest.raises(
        UserError, match=r"expected a policy file, but there is none at .*agent\.pth"
    ):
        read_weights(file)
    torch.save({"model": {"w": torch.zeros(1)}, "step": 3}, file)
    assert set(read_weights(file)) == {"w"}
    torch.save({"model": {"w": torch.zeros(1)}, "target": {"w": torch.zeros(1)}}, file)
    message = r"'model' is a dict \('model', 'target' would each do\); save the agent's state_dict"
    with pytest.raises(UserError, match=message):
        read_weights(file)
    torch.save([torch.zeros(1)], file)
    with pytest.raises(UserError, match=r"agent\.pth: expected a state dict, got list"):
        read_weights(file)
    torch.save(foreign_state(APART), file)
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(UserError, match="truncated or of another format"):
        read_weights(file)
    file.write_bytes(b"")
    with pytest.raises(UserError, match="truncated or of another format"):
        read_weights(file)


def test_wrong_requests(tmp_path):
    file = tmp_path / "agent.safetensors"
    save_file(foreign_state(CLEANRL), file)
    with pytest.raises(UserError, match="expected the method that trained it, got 'untrained'"):
        main(settings(file, tmp_path, id="starpilot/untrained/0"))
    with pytest.raises(UserError, match="agree with the id, got 1,000"):
        main(settings(file, tmp_path, id="starpilot/ppo/0/peer0/step5"))
    with pytest.raises(
        UserError, match="levels: expected a whole number from 1 to 1,000,000, got -1"
    ):
        main(settings(file, tmp_path, levels=-1))
    main(settings(file, tmp_path))
    with pytest.raises(UserError, match="exists and is kept; give --overwrite"):
        main(settings(file, tmp_path))
    main(settings(file, tmp_path, overwrite=True))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "git lfs pull"),
        (b"<!DOCTYPE html><html>404</html>", "it begins with b'<!DOCTYPE html>"),
        (b"", "truncated or of another format"),
    ],
)
def test_what_is_no_file_of_weights_is_not_said_to_run_code(content, message, tmp_path):
    (tmp_path / "x.pt").write_bytes(content)
    with pytest.raises(UserError, match=message) as raised:
        read_weights(tmp_path / "x.pt")
    assert "could run any code" not in str(raised.value)


def test_safetensors_are_known_whatever_they_are_called(tmp_path):
    save_file(foreign_state(CLEANRL), tmp_path / "agent.pt")
    assert convert(read_weights(tmp_path / "agent.pt"))[1] == "cleanrl ppo_procgen"


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "agent"])
def test_a_state_dict_inside_of_a_checkpoint_is_found(key, tmp_path):
    state = foreign_state("train-procgen-pytorch")
    optimiser = {"state": {0: {"exp_avg": torch.zeros(1)}}, "param_groups": [{"lr": 1e-3}]}
    torch.save({"epoch": 3, "optimizer_state_dict": optimiser, key: state}, tmp_path / "a.pt")
    assert convert(read_weights(tmp_path / "a.pt"))[1] == "train-procgen-pytorch"


def test_the_command_takes_any_width_and_any_method(tmp_path):
    save_file(foreign_state("impoola, pooled or with dropout"), tmp_path / "a.safetensors")
    main(settings(tmp_path / "a.safetensors", tmp_path, id="starpilot/impoola-ppo/7"))
    (kept,) = list_policies(tmp_path / "runs")
    policy, made = load_policy(policy_path(tmp_path / "runs", kept))
    recipe = made.settings()
    assert (recipe.encoder, recipe.features, recipe.width) == ("impoola", 128, 2)
    wanted = foreign_forward(
        foreign_state(made.versions["source"]), made.versions["source"], frames()
    )
    with torch.no_grad():
        torch.testing.assert_close(policy(frames()), wanted, rtol=1e-4, atol=1e-4)
