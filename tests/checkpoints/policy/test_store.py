"""Policy files: round trips, provenance, and every way a file can be wrong."""

import errno
import json
import os
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from checkpoints.console import UserError
from checkpoints.doors.tensors import read_header, write_tensors
from checkpoints.doors.writing import atomic
from checkpoints.policy.encoders import Policy
from checkpoints.policy.ids import parse_id
from checkpoints.policy.recipes import Recipe, differences, from_dict, get_recipe
from checkpoints.policy.seeds import Purpose, derive
from checkpoints.policy.store import (
    find_policies,
    list_policies,
    load_policy,
    policy_path,
    read_provenance,
    save_policy,
    untrained,
)
from tests.support.hostile_files import changed_tensors
from tests.support.saved import NAME, RECIPE, provenance, saved

INPUTS = 600


def test_round_trip_is_exact_and_carries_its_provenance(tmp_path: Path):
    policy, path = saved(tmp_path)
    loaded, made = load_policy(path)
    assert made == provenance() == read_provenance(path)
    assert made.settings() == RECIPE and str(made.policy_id) == NAME
    assert not loaded.training
    for key, value in policy.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value)


def test_half_precision_is_half_the_size_and_changes_decisions_little(tmp_path: Path):
    policy, whole = saved(tmp_path / "whole")
    _, half = saved(tmp_path / "half", half=True)
    assert half.stat().st_size < 0.52 * whole.stat().st_size
    frames = torch.randint(0, 256, (32, 64, 64, 3), dtype=torch.uint8)
    with torch.no_grad():
        p, q = (one(frames)[0].softmax(-1) for one in (policy, load_policy(half)[0]))
    assert 0 < (p - q).abs().max() < 1e-3


def test_the_header_is_plain_json(tmp_path: Path):
    _, path = saved(tmp_path)
    size = int.from_bytes(path.read_bytes()[:8], "little")
    header = json.loads(path.read_bytes()[8 : 8 + size])
    assert json.loads(header["__metadata__"]["twinscope"])["id"] == NAME


def test_missing_file(tmp_path: Path):
    with pytest.raises(
        UserError, match=r"expected .*, but there is none at .*none\.safetensors; check"
    ):
        load_policy(tmp_path / "none.safetensors")


@pytest.mark.parametrize("keep", [0, 5, 100, 5000])
def test_truncated_file(tmp_path: Path, keep: int):
    _, path = saved(tmp_path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UserError, match="truncated, corrupted or of another format"):
        load_policy(path)


def test_a_pickle_is_not_loaded(tmp_path: Path):
    path = tmp_path / "policy.safetensors"
    torch.save({"weights": torch.zeros(3)}, path)
    with pytest.raises(
        UserError, match=r"truncated, corrupted or of another format .* Copy it again"
    ):
        load_policy(path)


def test_foreign_safetensors(tmp_path: Path):
    path = tmp_path / "foreign.safetensors"
    write_tensors({"w": torch.zeros(3)}, {}, path)
    with pytest.raises(UserError, match="carries no provenance"):
        load_policy(path)


def test_weights_of_another_architecture(tmp_path: Path):
    _, path = saved(tmp_path)
    liar = tmp_path / "liar.safetensors"
    write_tensors(Policy("impala", 8).state_dict(), read_header(path), liar)
    with pytest.raises(UserError, match=r"12 tensors; .*conv1.* missing and .*block1.* not known"):
        load_policy(liar)
    with pytest.raises(UserError, match=r"policy starpilot/ppo/0.*of another architecture"):
        save_policy(Policy("impala", 8), provenance(), path)


def test_weights_that_are_not_finite_are_neither_read_nor_written(tmp_path: Path):
    policy, path = saved(tmp_path)
    broken = policy.state_dict() | {"actor.bias": torch.full((15,), torch.nan)}
    write_tensors(broken, read_header(path), path)
    with pytest.raises(UserError, match=r"finite numbers in 'actor.bias', got NaN"):
        load_policy(path)
    with torch.no_grad():
        policy.actor.bias.fill_(1e5)
    save_policy(policy, provenance(), path)
    with pytest.raises(UserError, match=r"finite numbers in 'actor.bias', got NaN or infinity"):
        save_policy(policy, provenance(), path, half=True)


@pytest.mark.parametrize("dtype", [torch.int8, torch.bool, torch.complex64, torch.bfloat16])
def test_weights_of_another_precision_are_refused(dtype: torch.dtype, tmp_path: Path):
    policy, path = saved(tmp_path)
    whole = {key: value.to(dtype) for key, value in policy.state_dict().items()}
    write_tensors(whole, read_header(path), path)
    name = str(dtype).removeprefix("torch.")
    with pytest.raises(UserError, match=f"of float32 or float16, got .* of {name}"):
        load_policy(path)


def test_a_policy_in_the_place_of_another_is_refused(tmp_path: Path, monkeypatch):
    _, path = saved(tmp_path)
    place = policy_path(tmp_path, parse_id("coinrun/ppo/0/peer0/step2048"))
    place.parent.mkdir(parents=True)
    place.write_bytes(path.read_bytes())
    for read in (load_policy, read_provenance):
        with pytest.raises(UserError, match=r"expected the policy coinrun/ppo/0.* got starpilot"):
            read(place)
    monkeypatch.chdir(place.parent)
    with pytest.raises(UserError, match="expected the policy coinrun/ppo/0"):
        load_policy(Path(place.name))
    path.rename(tmp_path / "by_itself.safetensors")
    load_policy(tmp_path / "by_itself.safetensors")


def test_a_later_format(tmp_path: Path):
    path = tmp_path / "later.safetensors"
    write_tensors({"w": torch.zeros(1)}, {"twinscope": json.dumps({"format": 99})}, path)
    with pytest.raises(
        UserError, match=r"expected file format 1, but .*later\.safetensors has ano"
    ):
        read_provenance(path)


def test_an_id_finds_the_last_step_of_each_peer(tmp_path: Path):
    names = [f"starpilot/mutual/0/peer{k}/step{s}" for k in (0, 1) for s in (1000, 200)]
    for name in names:
        saved(tmp_path, name)
    assert len(list_policies(tmp_path)) == 4
    found = find_policies(parse_id("starpilot/mutual/0"), tmp_path)
    assert [str(one) for one in found] == [names[0], names[2]]
    one = parse_id("starpilot/mutual/0/peer1/step200")
    assert find_policies(one, tmp_path) == [one]
    with pytest.raises(UserError, match=r"no policy 'starpilot/ppo/0'.*are: starpilot/mutual/0"):
        find_policies(parse_id("starpilot/ppo/0"), tmp_path)
    with pytest.raises(UserError, match="are kept the steps 200, 1000 of peer 0, 1"):
        find_policies(parse_id("starpilot/mutual/0/step7"), tmp_path)


def test_untrained_policies_follow_their_seed():
    (a, made), (b, _), (c, _) = (untrained(provenance(), seed) for seed in (0, 0, 1))
    assert str(made.policy_id) == "starpilot/untrained/0/peer0/step0"
    assert torch.equal(a.encoder.conv1[0].weight, b.encoder.conv1[0].weight)
    assert not torch.equal(a.encoder.conv1[0].weight, c.encoder.conv1[0].weight)


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch):
    _, path = saved(tmp_path)
    before = path.read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"expected to write .*No space left on device\. Free room"):
        saved(tmp_path)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_an_error_while_writing_leaves_nothing(tmp_path: Path):
    with pytest.raises(RuntimeError, match="oh"), atomic(tmp_path / "file") as temporary:
        temporary.write_text("half")
        raise RuntimeError("oh")
    assert not list(tmp_path.iterdir())


def test_a_recipe_round_trips_and_is_frozen():
    recipe = get_recipe("mutual")
    assert from_dict(asdict(recipe)) == recipe
    with pytest.raises(AttributeError, match="cannot assign"):
        recipe.alpha = 0.0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"alhpa": 1.0}, "unknown setting 'alhpa'.*Did you mean 'alpha'"),
        ({"peers": "two"}, "setting 'peers': expected int, got 'two'"),
        ({"levels": 1.5}, "setting 'levels': expected int, got 1.5"),
        ({"alpha": True}, "setting 'alpha': expected float, got True"),
        ({"alpha": 1.0}, "needs at least 2 peers"),
        ({"dropout": 1.0}, "dropout: expected a number from 0 to 0.99, got 1.0"),
        ({"num_envs": 0}, "num_envs: expected a whole number from 1 to 65,536, got 0"),
        ({"clip": float("inf")}, "clip: expected a number above 0 to 100, got inf"),
        ({"clip": float("nan")}, "clip: expected a number above 0 to 100, got nan"),
        ({"discount": 5}, "discount: expected a number from 0 to 1, got 5.0"),
        ({"alpha": -1}, "alpha: expected a number from 0 to 1000, got -1.0"),
        ({"features": 10**9}, "features: expected a whole number from 1 to 65,536, got 1000000000"),
        (
            {"levels": 10**5000},
            "levels: expected a whole number from 1 to 1,000,000, got a int too",
        ),
        ({"backgrounds": [62]}, "backgrounds: expected a whole number from 0 to 61, got 62"),
        ({"teacher": "x" * 201}, "setting 'teacher': expected at most 200 characters"),
        ({"minibatches": 5}, "multiple of minibatches"),
        ({"encoder": "resnet"}, "unknown encoder 'resnet'"),
        ({"mode": "medium"}, "unknown mode 'medium'"),
        ({"precision": "int8"}, "unknown precision 'int8'"),
    ],
)
def test_a_wrong_recipe_is_refused(values: dict, message: str):
    with pytest.raises(UserError, match=message):
        from_dict(values)


def test_differences_name_each_setting():
    assert differences(Recipe(), Recipe(clip=0.1)) == ["clip: 0.2 → 0.1"]


def test_unknown_method():
    with pytest.raises(UserError, match=r"unknown method 'pp'.*Did you mean 'ppo'"):
        get_recipe("pp")


def test_streams_of_random_numbers_never_coincide():
    keys = [(s, p, q, i) for s in range(3) for p in range(3) for q in Purpose for i in range(5)]
    assert len({derive(*key) for key in keys}) == len(keys)


def test_changed_policies_are_refused_or_sound(tmp_path: Path):
    _, path = saved(tmp_path)
    sound, rng, refused = path.read_bytes(), np.random.default_rng(0), 0
    for _ in range(INPUTS):
        path.write_bytes(changed_tensors(sound, "twinscope", rng))
        try:
            policy, made = load_policy(path)
        except UserError:
            refused += 1
            continue
        assert made.settings() and all(p.isfinite().all() for p in policy.parameters())
        assert {p.dtype for p in policy.parameters()} == {torch.float32}
    assert 0.7 * INPUTS < refused < INPUTS, refused
