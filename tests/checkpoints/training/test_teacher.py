"""Methods beyond the first five as a user trains them, and every way to lack a teacher."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from checkpoints.console import UserError
from checkpoints.policy.encoders import Policy
from checkpoints.policy.ids import PolicyId, parse_id
from checkpoints.policy.recipes import METHODS, Recipe, from_dict, get_recipe
from checkpoints.policy.store import Provenance, load_policy, policy_path, save_policy
from checkpoints.runs.train import Settings, main
from tests.support.tiny import BATCH, TINY, final_bytes, kept_files, settings

TEACHER = parse_id("coinrun/ppo/1/peer0/step64")
STUDENT = "coinrun/oneway/3"
STEPS = 6 * BATCH


def write_teacher(root: Path, name: PolicyId = TEACHER, seed: int = 0) -> Path:
    """A decided policy of other width than its students."""
    torch.manual_seed(seed)
    policy = Policy("nature", 16)
    torch.nn.init.normal_(policy.actor.weight)
    recipe = asdict(Recipe(encoder="nature", features=16, mode="easy"))
    path = policy_path(root, name)
    save_policy(policy, Provenance(str(name), recipe, name.step or 0, {}, {}, "code"), path)
    return path


def asked(root: Path, run: str = STUDENT, teacher: str = str(TEACHER), **changes) -> Settings:
    tiny = settings(root, run, **changes)
    return replace(tiny, recipe=replace(tiny.recipe, teacher=teacher, alpha=1.0))


def request(root: Path, run: str, **changes) -> Settings:
    return asked(root, run, **changes) if "oneway" in run else settings(root, run, **changes)


@pytest.mark.parametrize(
    "run", ["coinrun/drac/3", "starpilot/drac-twins-bg4/3", "coinrun/ppo-wide/3", STUDENT]
)
def test_stopping_between_any_iterations_changes_no_byte(run: str, tmp_path: Path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for root in (whole, parts):
        write_teacher(root)
    main(request(whole, run, steps=STEPS))
    for done in (1, 3, 4, 6):
        main(request(parts, run, steps=done * BATCH))
    same_state = final_bytes(parts, run) == final_bytes(whole, run)
    same_policies = kept_files(parts, run).items() >= kept_files(whole, run).items()
    assert same_state and same_policies
    other = run.replace("/3", "/4")
    main(request(whole, other, steps=STEPS))
    same_state = final_bytes(whole, other) == final_bytes(whole, run)
    assert not same_state


def test_a_student_names_its_teacher_and_leaves_it_as_it_was(tmp_path: Path):
    path = write_teacher(tmp_path)
    before = path.read_bytes()
    main(asked(tmp_path))
    untouched = path.read_bytes() == before
    assert untouched
    _, made = load_policy(policy_path(tmp_path, parse_id(f"{STUDENT}/peer0/step64")))
    name, _, digest = made.recipe["teacher"].partition("@")
    assert name == str(TEACHER) and len(digest) == 16
    # Its provenance is a recipe that makes it again.
    again = tmp_path / "again"
    write_teacher(again)
    main(replace(asked(again), recipe=made.settings()))
    same = kept_files(again, STUDENT) == kept_files(tmp_path, STUDENT)
    assert same


def test_without_a_step_the_last_policy_teaches(tmp_path: Path):
    write_teacher(tmp_path)
    write_teacher(tmp_path, replace(TEACHER, step=128), seed=1)
    main(asked(tmp_path, teacher="coinrun/ppo/1"))
    _, made = load_policy(policy_path(tmp_path, parse_id(f"{STUDENT}/peer0/step64")))
    assert made.recipe["teacher"].startswith("coinrun/ppo/1/peer0/step128@")


def other_file(root: Path) -> None:
    write_teacher(root, seed=1)


def later_step(root: Path) -> None:
    write_teacher(root, replace(TEACHER, step=128))


@pytest.mark.parametrize("change", [other_file, later_step])
def test_a_run_goes_on_with_no_other_teacher(change: Callable[[Path], None], tmp_path: Path):
    write_teacher(tmp_path)
    main(asked(tmp_path, teacher="coinrun/ppo/1"))
    before = final_bytes(tmp_path, STUDENT)
    change(tmp_path)
    with pytest.raises(UserError, match=r"another recipe \(teacher: coinrun.*@.* → coinrun.*@"):
        main(asked(tmp_path, teacher="coinrun/ppo/1", steps=2 * BATCH))
    same = final_bytes(tmp_path, STUDENT) == before
    assert same


@pytest.mark.parametrize(
    ("teacher", "message"),
    [
        ("coinrun/ppo/9/peer0/step64", "no policy 'coinrun/ppo/9/peer0/step64' under .*Train it"),
        ("coinrun/ppo/1/peer0/step65", "no policy 'coinrun/ppo/1/peer0/step65' under"),
        ("starpilot/ppo/1", "expected a teacher that plays coinrun, got starpilot/ppo/1"),
        ("ppo", "expected an id such as bigfish/mutual/0"),
        ("coinrun/mutual/1", "expected one teacher.*several peers; name coinrun/mutual/1/peer0"),
        (f"{TEACHER}@0123456789abcdef", "expected the teacher .*@0123456789abcdef, but .* hash"),
    ],
)
def test_a_teacher_that_is_not_there_is_named(teacher: str, message: str, tmp_path: Path):
    write_teacher(tmp_path)
    for peer in (0, 1):
        write_teacher(tmp_path, PolicyId("coinrun", "mutual", 1, peer, 64))
    with pytest.raises(UserError, match=f"(?s){message}"):
        main(asked(tmp_path, teacher=teacher))
    assert not list((tmp_path / STUDENT).rglob("*.safetensors"))


def test_the_method_takes_ppo_of_the_next_seed_on_the_same_backgrounds(tmp_path: Path):
    recipe = get_recipe("oneway-bg4", "starpilot", 2)
    assert recipe.teacher == "starpilot/ppo-bg4/3/peer0/step2097152"
    assert recipe.backgrounds == get_recipe("ppo-bg4", "starpilot").backgrounds
    assert get_recipe("oneway", "bigfish").teacher == "bigfish/ppo/1/peer0/step2097152"
    with pytest.raises(UserError, match=r"no policy .*python -m checkpoints.train coinrun/ppo/4"):
        main(replace(settings(tmp_path, STUDENT), recipe=get_recipe("oneway", "coinrun", 3)))


def test_recipes_that_cannot_be_trained():
    with pytest.raises(UserError, match="needs at least 2 peers, or a teacher, got 1"):
        Recipe(alpha=1.0)
    with pytest.raises(UserError, match="expected α above 0 to learn from coinrun/ppo/1"):
        Recipe(teacher="coinrun/ppo/1")
    with pytest.raises(UserError, match="width: expected a whole number from 1 to 64, got 0"):
        Recipe(width=0)


def test_a_recipe_from_before_these_methods_still_loads():
    new = {"teacher", "drac", "views", "width"}
    old = {key: value for key, value in asdict(METHODS["mutual"]).items() if key not in new}
    assert from_dict(old) == METHODS["mutual"]
    assert all(from_dict(asdict(recipe)) == recipe for recipe in METHODS.values())


@pytest.mark.parametrize("encoder", ["nature", "impala", "impoola"])
def test_twice_the_width_doubles_every_layer(encoder: str):
    recipe = from_dict(TINY | {"encoder": encoder})
    plain, wide = (Policy.of(replace(recipe, width=width)).state_dict() for width in (1, 2))
    fixed = {"actor": 15, "critic": 1}
    for key, weight in plain.items():
        outputs = fixed.get(key.split(".")[0], 2 * len(weight))
        assert len(wide[key]) == outputs
        if weight.ndim > 1:
            inputs = weight.shape[1]
            assert wide[key].shape[1] == (inputs if inputs == 3 else 2 * inputs)


def test_a_wide_policy_is_read_as_it_was_kept(tmp_path: Path):
    run = "coinrun/ppo-wide/3"
    main(settings(tmp_path, run))
    policy, made = load_policy(policy_path(tmp_path, parse_id(f"{run}/peer0/step64")))
    assert made.recipe["width"] == 2
    frames = torch.zeros(1, 64, 64, 3, dtype=torch.uint8)
    assert policy.encode(frames).shape == (1, 2 * TINY["features"])
