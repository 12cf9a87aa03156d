"""The declaration: one source for what is trained and what decides, and each way to break it."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from checkpoints.console import UserError
from checkpoints.policy.ids import parse_id
from checkpoints.policy.recipes import get_recipe, narrowed_to
from checkpoints.policy.store import ZOO, policy_path, read_provenance
from checkpoints.runs.declaration import (
    NOTE,
    Declaration,
    check_note,
    check_recipe,
    declaration_from,
    note_declaration,
)
from checkpoints.runs.queue import Settings as QueueSettings
from checkpoints.runs.queue import main as train_queue
from checkpoints.runs.study import read_declaration, read_study
from checkpoints.world.games import GAMES, drawn_backgrounds
from tests.support.declared import plain


@pytest.fixture(scope="module")
def declared(root: Path) -> Declaration:
    return read_declaration(root / "study-second.yaml")


def test_the_declared_runs_are_whole_pairs_with_the_positive_controls_before_the_first_look(
    root: Path, declared: Declaration
):
    study = read_study(root / "study-second.yaml")
    order = [(run.id.method, run.id.seed) for run in study]
    methods = list(declared.pair)
    first = declared.looks[0] * 2
    assert order[:first] == [(m, s) for s in range(100, 106) for m in methods]
    assert order[first : first + 4] == [(declared.positive, s) for s in range(100, 104)]
    assert order[-12:] == [(declared.second, s) for s in range(100, 112)]
    assert len(order) == len(set(order)) == 12 * 3 + 4
    for run in study:
        assert run.recipe.precision == "float32" and run.recipe.keep_last == declared.last
        assert run.steps % run.recipe.batch == 0
        assert run.declaration == declared


def test_frames_are_equal_and_every_step_that_is_compared_is_kept(declared: Declaration):
    peers = get_recipe(declared.treatment).peers
    assert peers * declared.treatment_steps == declared.control_steps
    recipe = replace(get_recipe(declared.control), keep_last=declared.last)
    for steps in (declared.treatment_steps, declared.control_steps):
        iterations = steps // recipe.batch
        kept = [i for i in range(1, iterations + 1) if recipe.keeps(i)]
        assert kept[-1] == iterations and kept[-declared.last] >= 0.87 * iterations
        assert len(set(kept[-declared.last :])) == declared.last


def test_methods_of_a_seed_share_a_split_and_seeds_do_not(declared: Declaration):
    splits = {
        seed: {
            get_recipe(m, "coinrun", seed).backgrounds for m in (*declared.pair, declared.second)
        }
        for seed in declared.seeds
    }
    assert all(len(split) == 1 for split in splits.values())
    assert len(set.union(*splits.values())) == len(declared.seeds)
    assert get_recipe("ppo-split4", "starpilot", 1).backgrounds == (5, 7, 9, 10)


def test_splits_hold_something_out_and_smaller_ones_lie_within_larger_ones():
    for game, facts in GAMES.items():
        drawn = [set(drawn_backgrounds(game, k, 7)) for k in range(1, facts.backgrounds)]
        assert all(few < more for few, more in pairwise(drawn))
    with pytest.raises(UserError, match=r"starpilot: expected 1 to 12 of its 13 .* got 13"):
        get_recipe("ppo-split13", "starpilot")
    with pytest.raises(UserError, match="the teacher is of another seed and so of another split"):
        get_recipe("oneway-split4", "starpilot", 0)


def test_a_method_says_how_many_backgrounds_and_whether_a_seed_drew_them():
    names = ("ppo", "ppo-bg4", "ppo-split32", "ppo-l2-bg1")
    assert [narrowed_to(name) for name in names] == ["", "4", "32 drawn", "1"]


def test_the_control_is_a_mutual_peer_without_the_distillation():
    control, mutual = get_recipe("ppo-norm1"), get_recipe("mutual")
    alone = replace(mutual, peers=1, alpha=0.0, max_grad_norm=2 * mutual.max_grad_norm)
    assert control == replace(alone, adam_eps=2 * mutual.adam_eps)


WRONG = {
    "seeds": ({"pilot": [100]}, "pilot seeds apart from 100 to 111"),
    "looks": ({"looks": [6, 6, 12]}, "looks at increasing numbers"),
    "first look": ({"looks": [1, 9, 12]}, "looks: expected a whole number from 2 to 10,000, got 1"),
    "bounds": ({"effect_p": [0.01, 0.02]}, "expected 3 numbers between 0 and 1 under effect_p"),
    "bound": ({"equivalence_p": [0.1, 0.2, 1.0]}, "between 0 and 1 under equivalence_p"),
    "margin": ({"margin": 0.8}, "expected a margin above 1"),
    "nan": ({"margin": float("nan")}, "expected a margin above 1"),
    "game": ({"game": "pong"}, "unknown game 'pong'"),
    "method": ({"second": "pppo-split32"}, "unknown method"),
    "no split": ({"control": "ppo"}, "methods with held-out backgrounds, such as ppo-split4"),
    "all": ({"control": "ppo-split62"}, "so that some are held out, got 62"),
    "twice": ({"second": "ppo-norm1-split32"}, "expected four different methods, got mutual"),
    "measure": (
        {"measure": ["ratio_unseen", "decisions"]},
        r"expected the measure \['ratio_unseen', 'buttons'\], which looks compute, got "
        r"\['ratio_unseen', 'decisions'\]",
    ),
    "one": ({"positive_runs": 1}, "positive_runs: expected a whole number from 2 to 10,000, got 1"),
    "last": ({"last": 0}, "last: expected a whole number from 1 to 16, got 0"),
    "type": ({"last": "5"}, r"Expected `int`, got `str` - at `\$.last`"),
    "list": ({"looks": 6}, r"Expected `array`, got `int` - at `\$.looks`"),
    "key": ({"lokks": [6]}, "unknown key in study, declaration 'lokks'.*Did you mean 'looks'"),
}


@pytest.mark.parametrize("change,message", WRONG.values(), ids=WRONG)
def test_a_wrong_declaration_is_refused(declared: Declaration, change: dict, message: str):
    given = yaml.safe_load(yaml.safe_dump({**plain(declared), **change}))
    with pytest.raises(UserError, match=message):
        declaration_from(given, "study, declaration")


def test_a_missing_part_and_no_declaration_are_refused(declared: Declaration, root: Path):
    given = plain(declared)
    del given["margin"]
    with pytest.raises(UserError, match=r"missing required field `margin`"):
        declaration_from(given, "study")
    with pytest.raises(UserError, match="expected a mapping with name, game"):
        declaration_from([1], "study")
    with pytest.raises(UserError, match="expected a declaration, as in study-second"):
        read_declaration(root / "study.yaml")


def test_an_edit_after_a_run_began_is_seen(declared: Declaration, tmp_path: Path):
    note_declaration(declared, tmp_path)
    check_note(declared, tmp_path)
    edited = replace(declared, margin=1.3)
    note_declaration(edited, tmp_path)
    with pytest.raises(UserError, match=f"begun under the declaration {declared.digest}, but"):
        check_note(edited, tmp_path)
    (tmp_path / NOTE).write_text("[]")
    with pytest.raises(UserError, match="name the declaration that its run was begun under"):
        check_note(declared, tmp_path)


def test_the_digest_is_that_under_which_runs_were_begun(declared: Declaration):
    assert declared.digest == "61636f98857f070f"


def test_a_policy_of_another_recipe_than_its_study_says_is_refused(root: Path):
    planned = {run.id: run.recipe for run in read_study(root / "study.yaml")}
    policy = parse_id("starpilot/mutual-bg9/1/peer1/step2097152")
    kept = read_provenance(policy_path(ZOO, policy)).settings()
    check_recipe(policy, kept, planned[policy.run])
    trained = replace(kept, mode="hard", backgrounds=kept.backgrounds[:2])
    said = "expected mode easy, backgrounds .*, as its study says, got mode hard, backgrounds "
    with pytest.raises(UserError, match=rf"^{policy}: {said}\(0, 1\); put back the recipe"):
        check_recipe(policy, trained, kept)


def test_a_teacher_is_that_of_the_study_whatever_its_file_is(root: Path):
    policy = parse_id("starpilot/oneway-bg9/0/peer0/step64")
    declared = get_recipe("oneway-bg9", "starpilot")
    check_recipe(policy, replace(declared, teacher=f"{declared.teacher}@{'0' * 16}"), declared)
    other = replace(declared, teacher="starpilot/ppo/2/peer0/step64@00")
    with pytest.raises(UserError, match="expected teacher starpilot/ppo-bg9/1/peer0/step2097152,"):
        check_recipe(policy, other, declared)


def test_nothing_is_trained_before_the_pilot_has_chosen(tmp_path: Path, root: Path):
    text = (root / "study-second.yaml").read_text().replace("ready: true", "ready: false")
    (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(UserError, match="whose pilot has not chosen its game and steps"):
        train_queue(QueueSettings(tmp_path / "s.yaml", tmp_path / "runs"))
    assert not (tmp_path / "runs").exists()
